#include "api/ollama/models.h"

#include <array>
#include <cstdio>

namespace hearth::api::ollama {
namespace {

constexpr std::string_view kLatest = ":latest";
constexpr std::int64_t kNeverMs = 253'402'300'799'000;  // the last second of the year 9999

/// "1.1B", "638M", as they are written there.
std::string count_text(std::uint64_t parameters) {
  if (parameters == 0) return "";
  constexpr double kMillion = 1e6, kBillion = 1e9;
  const auto count = static_cast<double>(parameters);
  const bool is_large = count >= kBillion;
  std::array<char, 32> text{};
  const int length = std::snprintf(text.data(), text.size(), is_large ? "%.1fB" : "%.2fM",
                                   count / (is_large ? kBillion : kMillion));
  return {text.data(), static_cast<std::size_t>(length)};
}

/// When it would leave memory if nobody asked for it any more.
std::int64_t expires_ms(const Workplace& with, const model::Model& model) {
  for (const auto& pooled : with.parts.config.pool.models) {
    const bool goes = model.is_on_demand() && !pooled.pinned && pooled.idle_timeout.count() > 0;
    if (pooled.model.name == model.name() && goes)
      return unix_time<Millis>(with.parts.time) + pooled.idle_timeout.count();
  }
  return kNeverMs;
}

}  // namespace

model::Model* find_model(const Models& models, std::string_view name) {
  if (auto* const model = models.find(name)) return model;
  if (!name.ends_with(kLatest)) return nullptr;
  name.remove_suffix(kLatest.size());
  return name.empty() ? nullptr : models.find(name);
}

std::string tagged(const std::string& name) {
  return name.find(':') == std::string::npos ? name + std::string(kLatest) : name;
}

dialect::ollama::Model shown(const Workplace& with, const model::Model& model) {
  constexpr std::int64_t kMillisInASecond = 1'000;
  const engine::ModelFacts facts = model.facts();
  dialect::ollama::Model out{.name = tagged(model.name()),
                             .modified_ms = with.started_s * kMillisInASecond,
                             .size_bytes = facts.size_bytes,
                             .digest = facts.fingerprint,
                             .family = facts.architecture,
                             .parameter_size = count_text(facts.parameters),
                             .quantization = facts.quantization,
                             .chat_template = facts.chat_template,
                             .context_tokens = facts.context_tokens,
                             .capabilities = {"completion"},
                             .expires_ms = expires_ms(with, model)};
  if (facts.chat_template.find("tool") != std::string::npos) out.capabilities.emplace_back("tools");
  return out;
}

}  // namespace hearth::api::ollama
