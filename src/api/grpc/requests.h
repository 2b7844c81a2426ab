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

/// How one model is set up.
struct Arrangement {
  config::Config::Model model{};  // with its path; empty: Ember, inside the program
  std::string level = "operational";
};
/// The settings of the model of this name. One that has no settings of its own has those of
/// [model].
Arrangement arrangement_of(const config::Config& config, const std::string& name);

/// Whether a model is set up as somebody wants it. `context_tokens` are those that it has, 0 if
/// that is not known. Errors: InvalidInput; names the field, and what it is.
Result<void> check_load(const aios::runtime::LoadModelRequest& request, const Arrangement& set_up,
                        std::uint32_t context_tokens);

}  // namespace hearth::api
