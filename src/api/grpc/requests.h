#pragma once
#include <string>

#include "aios/runtime.pb.h"
#include "base/result.h"
#include "chat/generation.h"
#include "config/config.h"

/// Messages of proto/aios/runtime.proto to checked structs. Pure; any thread.
namespace hearth::api {

inline constexpr std::size_t kCallerBytesMax = 256;  // requesting_agent, task_id

/// What an InferRequest asks, and of whom.
struct Wanted {
  std::string model{};  // a model's name, or one that the router knows; never empty
  chat::Request request;
};

/// Errors: InvalidInput; names the field and its limit.
Result<Wanted> read_infer(const aios::runtime::InferRequest& request);

/// The settings of the model of this name, with its path; without one: Ember, inside the program.
/// One that has no settings of its own has those of [model].
config::Config::Model settings_of(const config::Config& config, const std::string& name);

/// Whether a model with settings `is` is as somebody wants it. `context_tokens` are those that it
/// has, 0 if that is not known. Errors: InvalidInput; names the field, and what it is.
Result<void> check_load(const aios::runtime::LoadModelRequest& request,
                        const config::Config::Model& is, std::uint32_t context_tokens);

}  // namespace hearth::api
