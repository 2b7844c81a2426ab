#include "model/fake/script.h"

#include <cmath>

namespace hearth::model::fake {
namespace {

constexpr std::size_t kVectorLength = 8;

struct Said {
  std::string last;  // the last user message, or the plain text
  std::uint32_t tokens = 0;
};

Said read_prompt(const chat::Conversation& prompt) {
  Said said;
  for (const auto& message : prompt.messages) {
    said.tokens += static_cast<std::uint32_t>(message.content.size());
    if (message.role == chat::Role::User) said.last = message.content;
  }
  return said;
}
Said read_prompt(const chat::PlainText& prompt) {
  return {prompt.text, static_cast<std::uint32_t>(prompt.text.size())};
}
Said read_prompt(const chat::PlainTokens& prompt) {
  return {std::string(prompt.tokens.begin(), prompt.tokens.end()),
          static_cast<std::uint32_t>(prompt.tokens.size())};
}

Said read_prompt(const chat::Request& request) {
  return std::visit([](const auto& prompt) { return read_prompt(prompt); }, request.prompt);
}

const FakeReply* find_reply(const FakeModel::Options& options, const Said& said) {
  for (const auto& rule : options.rules) {
    if (rule.said.empty() || rule.said == said.last) return &rule.reply;
  }
  return nullptr;
}

/// The pieces as far as `stop` and `tokens_max` let them, and how they ended.
struct Cut {
  std::vector<std::string> pieces;
  chat::FinishReason reason = chat::FinishReason::Stop;
  std::string stop_string;
};

Cut cut_pieces(const chat::Request& request, const FakeReply& reply) {
  Cut cut;
  std::string text;
  for (const auto& piece : reply.pieces) {
    if (request.tokens_max && cut.pieces.size() >= *request.tokens_max) {
      cut.reason = chat::FinishReason::Length;
      return cut;
    }
    const std::size_t before = text.size();
    text += piece;
    for (const auto& stop : request.stop) {
      const auto at = text.find(stop);
      if (at == std::string::npos) continue;
      if (at > before) cut.pieces.push_back(text.substr(before, at - before));
      cut.stop_string = stop;
      return cut;
    }
    cut.pieces.push_back(piece);
  }
  return cut;
}

chat::Delta piece_delta(const chat::Request& request, const std::string& piece) {
  chat::Delta delta{.content = piece};
  if (!request.top_logprobs) return delta;
  const chat::TokenLogprob token{.token = 0, .bytes = piece, .logprob = -0.5f};
  delta.logprobs.push_back({.chosen = token, .top = {}});
  if (*request.top_logprobs > 0) delta.logprobs[0].top.push_back(token);
  return delta;
}

void add_calls(std::deque<chat::Event>& events, const std::vector<chat::ToolCall>& calls) {
  std::uint32_t index = 0;
  for (const auto& call : calls) {
    chat::Delta head, tail;
    head.tool_calls.push_back({.index = index, .id = call.id, .name = call.name});
    tail.tool_calls.push_back({.index = index, .arguments = call.arguments});
    events.emplace_back(std::move(head));
    events.emplace_back(std::move(tail));
    ++index;
  }
}

chat::Event failed(Code code, std::string message) {
  return chat::Failed{Error{code, std::move(message)}};
}

}  // namespace

bool is_manual(const FakeModel::Options& options, const chat::Request& request) {
  const auto* reply = find_reply(options, read_prompt(request));
  return reply && reply->manual;
}

std::deque<chat::Event> make_events(const FakeModel::Options& options,
                                    const chat::Request& request) {
  const Said said = read_prompt(request);
  const auto* reply = find_reply(options, said);
  if (!reply)
    return {failed(Code::InvalidInput, "the script has no answer to '" + said.last + "'")};
  if (said.tokens > options.context_tokens)
    return {failed(Code::TooLarge, "the prompt has " + std::to_string(said.tokens) +
                                       " tokens, the context has room for " +
                                       std::to_string(options.context_tokens))};
  std::deque<chat::Event> events;
  events.emplace_back(
      chat::Started{said.tokens, 0, request.sampling.seed.value_or(1), false, reply->loosened});
  if (!reply->reasoning.empty()) events.emplace_back(chat::Delta{.reasoning = reply->reasoning});
  auto cut = cut_pieces(request, *reply);
  for (const auto& piece : cut.pieces) events.emplace_back(piece_delta(request, piece));
  const bool calls = !reply->tool_calls.empty() && cut.reason == chat::FinishReason::Stop &&
                     cut.stop_string.empty();
  if (calls) add_calls(events, reply->tool_calls);
  if (reply->error) {
    events.emplace_back(chat::Failed{*reply->error});
    return events;
  }
  const auto completion = cut.pieces.size() + (calls ? reply->tool_calls.size() : 0);
  events.emplace_back(
      chat::Finished{.reason = calls ? chat::FinishReason::ToolCalls : cut.reason,
                     .stop_string = cut.stop_string,
                     .usage = {said.tokens, 0, static_cast<std::uint32_t>(completion)},
                     .timings = {.prompt_ms = 1.0 * said.tokens,
                                 .predicted_ms = 2.0 * static_cast<double>(completion)}});
  return events;
}

std::vector<float> make_vector(const EmbedInput& input) {
  std::vector<float> vector(kVectorLength, 1.0f);
  std::size_t at = 0;
  const auto add = [&](int value) {
    vector[at++ % kVectorLength] += static_cast<float>(value & 0xff);
  };
  std::visit(
      [&](const auto& values) {
        for (const auto value : values) add(value);
      },
      input);
  float squares = 0;
  for (const float value : vector) squares += value * value;
  for (float& value : vector) value /= std::sqrt(squares);
  return vector;
}

std::uint32_t count_tokens(const EmbedInput& input) {
  return std::visit([](const auto& values) { return static_cast<std::uint32_t>(values.size()); },
                    input);
}

}  // namespace hearth::model::fake
