#include "engine/prompt/output_parser.h"

#include <algorithm>
#include <cstdio>
#include <optional>
#include <vector>

#include "base/random.h"
#include "engine/prompt/output_syntax.h"
#include "engine/runtime/guard.h"

namespace hearth::engine {
namespace {

// llama-common parses the whole answer each time, at up to 10 ns a byte. Waiting until it has grown
// by this share bounds the work for a very long answer, and no answer of usual length is held up.
constexpr std::size_t kGrowthShare = 8'192;
// llama-common's parser recurses; a model that stammers brackets must not overflow the stack.
constexpr int kNestingMax = 256;

/// How much deeper `text` opens brackets than it closes them, at its deepest, from `depth` on.
struct Nesting {
  int now = 0, deepest = 0;
  void take(std::string_view text) {
    for (const char c : text) {
      if (c == '{' || c == '[') deepest = std::max(deepest, ++now);
      if ((c == '}' || c == ']') && now > 0) --now;
    }
  }
};

/// What is new in `now` when `before` has been said; nothing if it takes words back.
std::string added(const std::string& before, const std::string& now) {
  return now.starts_with(before) ? now.substr(before.size()) : "";
}

}  // namespace

struct OutputParser::State {
  explicit State(const PreparedPrompt& prompt) : syntax(prompt.syntax), ids(prompt.call_ids) {}

  struct Call {
    bool announced = false;  // id and name are out
    std::string name, arguments;
  };

  Result<common_chat_msg> parse(bool partial) const;
  chat::Delta take(const common_chat_msg& message, bool last);
  void take_call(std::size_t index, const common_chat_msg& message, bool last, chat::Delta& out);
  chat::Delta rest_as_content();
  std::string fresh_id(std::size_t index) const;

  std::shared_ptr<const OutputSyntax> syntax;
  std::optional<std::uint64_t> ids;  // see PreparedPrompt::call_ids
  std::string text;                  // all that came
  std::size_t parsed_bytes = 0;      // of text, at the last parse
  Nesting nesting;
  std::string content, reasoning;  // as said
  std::vector<Call> calls;         // as said
};

OutputParser::OutputParser(const PreparedPrompt& prompt)
    : state_(std::make_unique<State>(prompt)) {}
OutputParser::~OutputParser() = default;
OutputParser::OutputParser(OutputParser&&) noexcept = default;
OutputParser& OutputParser::operator=(OutputParser&&) noexcept = default;

bool OutputParser::called_tools() const {
  const auto said = [](const State::Call& call) { return call.announced; };
  return std::any_of(state_->calls.begin(), state_->calls.end(), said);
}

Result<chat::Delta> OutputParser::feed(std::string_view text) {
  State& state = *state_;
  if (state.syntax->plain) return chat::Delta{.content = std::string(text)};
  if (state.text.size() + text.size() > kAnswerBytesMax) {
    return Error{Code::TooLarge, "the answer is above 4 MiB"};
  }
  state.text += text;
  state.nesting.take(text);
  if (state.text.size() - state.parsed_bytes <
      std::max<std::size_t>(1, state.text.size() / kGrowthShare)) {
    return chat::Delta{};
  }
  state.parsed_bytes = state.text.size();
  const auto message = state.parse(true);
  // Text that fits no syntax yet may do so with its next piece; finish() settles it.
  return message.ok() ? state.take(message.value(), false) : chat::Delta{};
}

Result<chat::Delta> OutputParser::finish() {
  State& state = *state_;
  if (state.syntax->plain || state.text.empty()) return chat::Delta{};
  const auto message = state.parse(false);
  if (!message.ok()) return state.rest_as_content();
  chat::Delta delta = state.take(message.value(), true);
  // A call that was cut before it had a name is all there is.
  return state.syntax->strict && !called_tools() ? state.rest_as_content() : delta;
}

Result<common_chat_msg> OutputParser::State::parse(bool partial) const {
  if (nesting.deepest > kNestingMax)
    return Error{Code::InvalidInput, "brackets nest deeper than 256"};
  return guarded(Code::InvalidInput, "the answer fits no syntax", [&] {
    return common_chat_peg_parse(*syntax->parser, text, partial, syntax->options);
  });
}

chat::Delta OutputParser::State::take(const common_chat_msg& message, bool last) {
  chat::Delta delta;
  delta.reasoning = added(reasoning, message.reasoning_content);
  // Before a call that comes first, a parser only finds leavings of the prompt's end.
  if (!syntax->strict) delta.content = added(content, message.content);
  reasoning += delta.reasoning;
  content += delta.content;
  if (syntax->calls) {
    calls.resize(std::max(calls.size(), message.tool_calls.size()));
    for (std::size_t i = 0; i < message.tool_calls.size(); ++i) take_call(i, message, last, delta);
  }
  return delta;
}

/// A call is announced when its name is surely whole: something follows it.
void OutputParser::State::take_call(std::size_t index, const common_chat_msg& message, bool last,
                                    chat::Delta& out) {
  const common_chat_tool_call& now = message.tool_calls[index];
  Call& said = calls[index];
  const bool whole = last || !now.arguments.empty() || index + 1 < message.tool_calls.size();
  if (now.name.empty() || !whole) return;
  chat::ToolCallDelta piece{.index = static_cast<std::uint32_t>(index)};
  if (!said.announced) {
    said.announced = true;
    said.name = now.name;
    piece.name = now.name;
    piece.id = now.id.empty() ? fresh_id(index) : now.id;
  }
  piece.arguments = added(said.arguments, now.arguments);
  // A call without arguments is a call with an empty object.
  if (last && said.arguments.empty() && piece.arguments.empty()) piece.arguments = "{}";
  said.arguments += piece.arguments;
  if (!piece.name.empty() || !piece.arguments.empty()) out.tool_calls.push_back(std::move(piece));
}

std::string OutputParser::State::fresh_id(std::size_t index) const {
  if (!ids) return random_id("call_");
  char id[40];
  std::snprintf(id, sizeof(id), "call_%016llx%08zx", static_cast<unsigned long long>(*ids), index);
  return id;
}

/// The answer breaks its syntax. What partial parsing still finds is said, and what has not been
/// said of the text goes out as content.
chat::Delta OutputParser::State::rest_as_content() {
  chat::Delta delta;
  if (!calls.empty() && calls[0].announced) {
    const auto message = parse(true);
    return message.ok() ? take(message.value(), true) : delta;
  }
  std::size_t from = 0;
  const std::size_t thoughts = reasoning.empty() ? std::string::npos : text.find(reasoning);
  if (thoughts != std::string::npos) from = thoughts + reasoning.size();
  const std::size_t said = content.empty() ? std::string::npos : text.find(content, from);
  if (said != std::string::npos) from = said + content.size();
  delta.content = text.substr(from);
  content += delta.content;
  return delta;
}

}  // namespace hearth::engine
