#pragma once
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "app/replay.h"
#include "base/result.h"

namespace hearth::cli {

/// Which turn a command names: "work/4" is turn 4 of the session work, "work" its last one.
struct TurnName {
  std::string session;
  std::optional<std::uint32_t> turn{};
};
/// Errors: InvalidInput (empty, or a turn that no session can have).
Result<TurnName> read_turn_name(const std::string& text);

/// A line for each call of the model, what changed since, and how it came out.
std::string replay_text(const app::ReplayReport& report, bool with_difference);
nlohmann::ordered_json replay_json(const app::ReplayReport& report);

}  // namespace hearth::cli
