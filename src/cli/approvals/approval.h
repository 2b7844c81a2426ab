#pragma once
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/call.h"
#include "base/result.h"

namespace hearth::cli {

/// A call of a tool that waits for a person, as a daemon tells of it.
struct Approval {
  std::string id{};
  std::string session_id{};
  std::uint32_t turn = 0;  // of the session, which goes on with the answer
  std::string tool{};
  std::string target{};
  std::string arguments{};     // JSON text
  std::string preview{};       // what would change; may be empty
  std::int64_t expires_s = 0;  // since 1970, UTC
  /// What an answer for longer would be about. Empty: an answer holds once, or nothing is alike.
  std::string this_pattern{}, alike_pattern{};
  nlohmann::ordered_json json{};  // all that was told

  bool may_be_learned() const { return !this_pattern.empty(); }
  /// What the terminal's dialog offers for longer.
  const std::string& pattern() const {
    return alike_pattern.empty() ? this_pattern : alike_pattern;
  }
};

/// Those of a list; what cannot be understood is left out.
std::vector<Approval> approvals_in(const nlohmann::ordered_json& list);

/// What a person answers.
struct Answer {
  enum class Scope : std::uint8_t { Once, Session, Always };
  bool allow = false;
  Scope scope = Scope::Once;
  bool alike = false;   // for all that is alike, and not this target alone
  std::string holds{};  // how long, such as "30m"; empty: for good. Not with Once

  bool operator==(const Answer&) const = default;
};

/// The body of POST /v1/approvals/{id} that gives it and asks for the rest of the turn as a stream.
std::string decision_body(const Answer& answer);

}  // namespace hearth::cli
