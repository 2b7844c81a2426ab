#include "model/remote/wire.h"

#include <algorithm>
#include <array>

#include "dialect/anthropic.h"
#include "dialect/gemini.h"
#include "dialect/openai.h"
#include "net/percent.h"

namespace hearth::model::remote {
namespace {

using dialect::Ask;
using dialect::Carried;

constexpr std::array kKinds = {
    Kind{"anthropic", "https://api.anthropic.com", "ANTHROPIC_API_KEY"},
    Kind{"openai", "https://api.openai.com/v1", "OPENAI_API_KEY"},
    Kind{"gemini", "https://generativelanguage.googleapis.com/v1beta", "GEMINI_API_KEY"},
    Kind{"xai", "https://api.x.ai/v1", "XAI_API_KEY"},
    Kind{"mistral", "https://api.mistral.ai/v1", "MISTRAL_API_KEY"},
    Kind{"groq", "https://api.groq.com/openai/v1", "GROQ_API_KEY"},
    Kind{"openrouter", "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY"},
    Kind{"llama-server", "", ""},
    Kind{"compatible", "", ""}};

class AnthropicWire final : public Wire {
 public:
  std::string target(const std::string&) const override { return "/v1/messages"; }
  net::Headers headers(const std::string& key) const override {
    net::Headers all = {{"anthropic-version", std::string(dialect::anthropic::kVersion)}};
    if (!key.empty()) all.emplace_back("x-api-key", key);
    return all;
  }
  Result<Carried<Json>> write(const Ask& ask) const override {
    return dialect::anthropic::write_request(ask);
  }
  std::unique_ptr<dialect::StreamReader> reader(const std::string&) const override {
    return dialect::anthropic::make_stream_reader();
  }
  Result<Carried<dialect::Answer>> read(const Json& body, const std::string&) const override {
    return dialect::anthropic::read_answer(body);
  }
  Error error(int status, std::string_view body) const override {
    return dialect::anthropic::read_error(status, body);
  }
};

/// A name with a point in it ("gemini-2.5-pro") is usually sent as it is, and cannot be "..".
std::string segment_of(const std::string& model) {
  std::string text = net::percent_encoded(model);
  for (std::size_t at = 0; (at = text.find("%2E", at)) != std::string::npos; ++at)
    text.replace(at, 3, ".");
  return text;
}

class GeminiWire final : public Wire {
 public:
  std::string target(const std::string& model) const override {
    return "/models/" + segment_of(model) + ":streamGenerateContent?alt=sse";
  }
  net::Headers headers(const std::string& key) const override {
    if (key.empty()) return {};
    return {{"x-goog-api-key", key}};
  }
  Result<Carried<Json>> write(const Ask& ask) const override {
    return dialect::gemini::write_request(ask);
  }
  std::unique_ptr<dialect::StreamReader> reader(const std::string& id_base) const override {
    return dialect::gemini::make_stream_reader(id_base);
  }
  Result<Carried<dialect::Answer>> read(const Json& body,
                                        const std::string& id_base) const override {
    return dialect::gemini::read_answer(body, id_base);
  }
  Error error(int status, std::string_view body) const override {
    return dialect::gemini::read_error(status, body);
  }
};

/// OpenAI's models that think before they speak: they refuse to be told how to sample.
bool is_reasoning(const std::string& model) {
  for (const std::string_view begin : {"o1", "o3", "o4", "gpt-5"})
    if (model.starts_with(begin)) return !model.starts_with("gpt-5-chat");
  return false;
}

class OpenAiWire final : public Wire {
 public:
  explicit OpenAiWire(std::string kind) : kind_(std::move(kind)) {}

  std::string target(const std::string&) const override { return "/chat/completions"; }
  net::Headers headers(const std::string& key) const override {
    if (key.empty()) return {};
    return {{"Authorization", "Bearer " + key}};
  }
  Result<Carried<Json>> write(const Ask& ask) const override {
    auto options = dialect::openai::options_of(kind_);
    if (kind_ == "openai" && is_reasoning(ask.model)) options.sampling = false;
    return dialect::openai::write_request(ask, options);
  }
  std::unique_ptr<dialect::StreamReader> reader(const std::string& id_base) const override {
    return dialect::openai::make_stream_reader(id_base);
  }
  Result<Carried<dialect::Answer>> read(const Json& body,
                                        const std::string& id_base) const override {
    return dialect::openai::read_answer(body, id_base);
  }
  Error error(int status, std::string_view body) const override {
    return dialect::openai::read_error(status, body);
  }

 private:
  const std::string kind_;
};

}  // namespace

const Kind* find_kind(std::string_view name) {
  const auto* const found =
      std::ranges::find_if(kKinds, [name](const Kind& kind) { return kind.name == name; });
  return found == kKinds.end() ? nullptr : found;
}

Result<std::unique_ptr<Wire>> make_wire(const std::string& kind) {
  if (!find_kind(kind))
    return Error{Code::InvalidInput, "there is no kind of provider '" + kind + "'",
                 "provider.kind"};
  if (kind == "anthropic") return std::unique_ptr<Wire>(std::make_unique<AnthropicWire>());
  if (kind == "gemini") return std::unique_ptr<Wire>(std::make_unique<GeminiWire>());
  return std::unique_ptr<Wire>(std::make_unique<OpenAiWire>(kind));
}

Result<net::Url> base_of(const Kind& kind, const std::string& url) {
  if (url.empty() && *kind.url == '\0')
    return Error{Code::InvalidInput, "an address is required for a provider of this kind",
                 "provider.url"};
  auto parsed = net::parse_url(url.empty() ? kind.url : url);
  if (!parsed.ok()) return Error{Code::InvalidInput, parsed.error().message, "provider.url"};
  net::Url base = std::move(parsed).value();
  if (!base.user.empty() || base.target.find('?') != std::string::npos)
    return Error{Code::InvalidInput, "the address of a provider holds no user and no query",
                 "provider.url"};
  base.target.resize(base.target.find_last_not_of('/') + 1);
  const std::string_view name = kind.name;
  // Both ways to write it are in use.
  if (name == "anthropic" && base.target.ends_with("/v1"))
    base.target.resize(base.target.size() - 3);
  if (base.target.empty() && name != "anthropic" && name != "gemini") base.target = "/v1";
  return base;
}

}  // namespace hearth::model::remote
