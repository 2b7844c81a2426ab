#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/call.h"
#include "base/result.h"
#include "cli/ask/daemon_client.h"
#include "config/config.h"

namespace hearth::cli {

/// A model as GET /v1/models tells of it.
struct ServedModel {
  std::string name;
  std::string level{}, state{};  // "operational", "ready"
  std::string state_text{};      // why it is so, or how far; empty: nothing to say
  nlohmann::json meta{};         // what its file says; an object
};

/// All of them, the default one first. Errors: net::fetch's, that of an error answer; Unavailable
/// (it is no such list).
Result<std::vector<ServedModel>> served_models(const Call& call, const DaemonClient& client);
/// The same of whatever daemon runs for the data directory; empty: none, or it does not answer.
std::vector<ServedModel> served_now(const config::Config& config);

/// "/v1/models/NAME". Pure.
std::string model_target(const std::string& name);
/// "failed: no key …", "ready", "loading, 42 %". Pure.
std::string state_of(const ServedModel& model);

}  // namespace hearth::cli
