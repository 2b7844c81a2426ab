#include "api/grpc/requests.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <utility>

#include "api/openai/common_fields.h"

namespace hearth::api {
namespace {

using aios::runtime::InferRequest;
using aios::runtime::LoadModelRequest;

constexpr std::int32_t kAllLayers = -1;

Result<void> check_bytes(const char* field, const std::string& text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return ok();
  return field_error(field, "at most " + std::to_string(bytes_max) + " bytes are allowed");
}

/// What goes into the log is one line of it.
Result<void> check_caller(const char* field, const std::string& text) {
  TRY_VOID(check_bytes(field, text, kCallerBytesMax));
  const bool visible =
      std::ranges::none_of(text, [](unsigned char c) { return c < ' ' || c == 0x7f; });
  return visible ? ok() : field_error(field, "control characters are not allowed");
}

Result<std::string> read_target(const InferRequest& request) {
  TRY_VOID(check_bytes("model", request.model(), kModelNameBytesMax));
  const std::string& level = request.intelligence_level();
  const bool known =
      level.empty() || level == "operational" || level == "tactical" || level == "strategic";
  if (!known)
    return field_error("intelligence_level", "must be operational, tactical or strategic");
  if (!request.model().empty() && request.model() != "auto") return request.model();
  return level.empty() ? "auto" : level;
}

Result<chat::Prompt> read_prompt(const InferRequest& request) {
  if (request.prompt().empty()) return field_error("prompt", "is required");
  chat::Conversation talk;
  if (!request.system_prompt().empty())
    talk.messages.push_back({.role = chat::Role::System, .content = request.system_prompt()});
  talk.messages.push_back({.role = chat::Role::User, .content = request.prompt()});
  return chat::Prompt(std::move(talk));
}

Result<float> read_temperature(const InferRequest& request) {
  if (!request.has_temperature()) return chat::Sampling().temperature;
  const float value = request.temperature();
  if (!std::isfinite(value) || value < 0 || value > 2)
    return field_error("temperature", "must be from 0 to 2");
  return value;
}

Result<std::vector<std::string>> read_stop(const InferRequest& request) {
  std::vector<std::string> stop(request.stop().begin(), request.stop().end());
  if (stop.size() > chat::kStopMax)
    return field_error("stop", "at most " + std::to_string(chat::kStopMax) + " are allowed");
  for (const std::string& text : stop)
    if (text.empty() || text.size() > chat::kStopBytesMax)
      return field_error(
          "stop", "texts of 1 to " + std::to_string(chat::kStopBytesMax) + " bytes are required");
  return stop;
}

std::string file_of(const config::Config& config, const config::Config::Model& model) {
  return model.path.empty() && model.name != "ember"
             ? config.data_dir + "/models/" + model.name + ".gguf"
             : model.path;
}

/// The same file, also through links and dots.
bool is_same_file(const std::string& one, const std::string& other) {
  std::error_code ignored;
  return one == other || std::filesystem::equivalent(one, other, ignored);
}

Error set_up_otherwise(const char* field, const std::string& is) {
  return field_error(field, "the model is set up with " + is +
                                "; a model's set-up is changed in hearth.toml, not by a call");
}

}  // namespace

Result<Wanted> read_infer(const InferRequest& request) {
  Wanted wanted;
  TRY(wanted.model, read_target(request));
  TRY(wanted.request.prompt, read_prompt(request));
  TRY(wanted.request.sampling.temperature, read_temperature(request));
  TRY(wanted.request.stop, read_stop(request));
  if (request.max_tokens() < 0) return field_error("max_tokens", "must be 0 or more");
  if (request.max_tokens() > 0)
    wanted.request.tokens_max = static_cast<std::uint32_t>(request.max_tokens());
  if (request.has_seed()) wanted.request.sampling.seed = request.seed();
  TRY_VOID(check_caller("requesting_agent", request.requesting_agent()));
  TRY_VOID(check_caller("task_id", request.task_id()));
  return wanted;
}

config::Config::Model settings_of(const config::Config& config, const std::string& name) {
  for (const config::Config::Pooled& pooled : config.pool.models) {
    if (pooled.model.name != name) continue;
    config::Config::Model settings = pooled.model;
    settings.path = file_of(config, pooled.model);
    return settings;
  }
  return config.model;
}

Result<void> check_load(const LoadModelRequest& request, const config::Config::Model& is,
                        std::uint32_t context_tokens) {
  if (!request.model_path().empty() && !is_same_file(request.model_path(), is.path))
    return set_up_otherwise("model_path", is.path.empty() ? "the built-in file" : is.path);
  const auto context = static_cast<std::int64_t>(request.context_length());
  if (context != 0 && context != is.context_tokens && context != context_tokens)
    return set_up_otherwise(
        "context_length", std::to_string(std::max(context_tokens, is.context_tokens)) + " tokens");
  const std::int32_t layers = request.gpu_layers();
  if (layers != 0 && layers != is.gpu_layers && !(layers == kAllLayers && is.gpu_layers > 0))
    return set_up_otherwise("gpu_layers", std::to_string(is.gpu_layers) + " layers");
  if (request.threads() != 0 && request.threads() != static_cast<std::int64_t>(is.threads))
    return set_up_otherwise("threads", is.threads == 0 ? "as many threads as are of use"
                                                       : std::to_string(is.threads) + " threads");
  if (request.port() != 0)
    return field_error("port", "must be 0: a model has no port of its own here");
  return ok();
}

}  // namespace hearth::api
