#pragma once
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/result.h"
#include "cli/ask/question.h"

namespace hearth::cli {

/// Puts a streamed chat completion together, event by event.
class ReplyReader {
 public:
  explicit ReplyReader(const OnText& on_text) : on_text_(on_text) {}

  /// One event's data.
  void take(std::string_view data);
  /// The whole, after the last event. Errors: that of an error event, or Unavailable (ended without
  /// one).
  Result<Reply> finish();

 private:
  void take_choice(const nlohmann::json& choice);
  void take_numbers(const nlohmann::json& chunk);

  const OnText& on_text_;
  Reply reply_;
  bool done_ = false;
  Result<void> problem_{};
};

/// The Error for an OpenAI error envelope; `status` is its HTTP status, or 0 inside a stream.
Error error_of_envelope(int status, std::string_view body);

/// The chat completion request for `question`, streamed with usage, as JSON text.
std::string request_body(const std::string& model, const Question& question);

}  // namespace hearth::cli
