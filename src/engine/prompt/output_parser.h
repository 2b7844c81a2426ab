#pragma once
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "chat/generation.h"
#include "engine/prompt/prompt_builder.h"

namespace hearth::engine {

/// Reads what a model writes, as it comes, into content, reasoning and tool calls. One for each
/// generation; one thread. What a delta has said is never taken back by a later one. Deltas carry
/// no logprobs.
class OutputParser {
 public:
  explicit OutputParser(const PreparedPrompt& prompt);
  ~OutputParser();
  OutputParser(OutputParser&&) noexcept;
  OutputParser& operator=(OutputParser&&) noexcept;

  /// Takes the next piece of the model's text and gives what is certain by now; often nothing.
  /// `text` is valid UTF-8 that ends between characters, with stop strings already cut off and the
  /// tokens of PreparedPrompt::kept_as_text() written out. Errors: TooLarge (the answer is above
  /// kAnswerBytesMax).
  Result<chat::Delta> feed(std::string_view text);

  /// The text is over: gives all that was held back. Call once, last. Text that fits no syntax
  /// comes as content; it is never lost.
  Result<chat::Delta> finish();

  /// True once a delta has carried a tool call.
  bool called_tools() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Bytes of one answer that is parsed for calls or reasoning. Plain answers are not bounded here.
inline constexpr std::size_t kAnswerBytesMax = 4 * 1024 * 1024;

}  // namespace hearth::engine
