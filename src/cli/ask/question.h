#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "chat/generation.h"
#include "cli/approvals/approval.h"

namespace hearth::cli {

/// What a person wants answered, wherever the model is.
struct Question {
  std::vector<chat::Message> messages{};
  std::optional<std::uint32_t> tokens_max{};
  std::optional<double> temperature{};  // absent: default_temperature() of the model
  std::optional<std::uint32_t> seed{};
  std::string session{};  // "sess_…" or a name: asked there; empty: remembered nowhere
  std::string key{};      // Idempotency-Key: asked again with it, nothing is answered twice
};

/// The answer, complete.
struct Reply {
  std::string text;
  std::string model;
  std::string finish_reason;
  std::string session_id{};           // empty: not in a session
  std::vector<Approval> approvals{};  // what somebody must decide before it goes on
  std::vector<std::string> notes{};   // what the daemon says beside the answer
  chat::Usage usage{};
  chat::Timings timings{};
};

/// Receives the answer's text as it comes; UTF-8 that never ends inside a character.
using OnText = std::function<void(std::string_view)>;

/// Ember, the model in this binary, is small and surest when greedy; others are livelier with some
/// chance.
double default_temperature(std::string_view model_name);

/// `text` as a message of this role, with ill-formed UTF-8 replaced.
chat::Message said(chat::Role role, std::string_view text);

}  // namespace hearth::cli
