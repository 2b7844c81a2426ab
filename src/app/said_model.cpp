#include "app/said_model.h"

namespace hearth::app {
namespace {

/// It has ended before anybody could cancel it.
class Over final : public model::Generation {
 public:
  void cancel() override {}
};

chat::Delta delta_of(const chat::Message& said) {
  chat::Delta delta{.content = said.content};
  for (const chat::ToolCall& call : said.tool_calls)
    delta.tool_calls.push_back(
        {static_cast<std::uint32_t>(delta.tool_calls.size()), call.id, call.name, call.arguments});
  return delta;
}

std::uint32_t size_of(const chat::Request& request) {
  std::size_t bytes = 0;
  if (const auto* talk = std::get_if<chat::Conversation>(&request.prompt))
    for (const chat::Message& message : talk->messages) bytes += message.content.size();
  return static_cast<std::uint32_t>(bytes);
}

}  // namespace

Result<std::unique_ptr<model::Generation>> SaidModel::start(
    chat::Request request, std::shared_ptr<model::EventSink> sink) {
  std::unique_ptr<model::Generation> over = std::make_unique<Over>();
  const std::uint32_t prompt = size_of(request);
  sink->on_event(chat::Started{.prompt_tokens = prompt});
  const bool counts = request.tokens_max == 0u;
  if (!counts && next_ >= says_.size()) {
    sink->on_event(chat::Failed{{Code::Unavailable, "the script says nothing more"}});
    return over;
  }
  chat::Finished finished{.usage = {.prompt_tokens = prompt}};
  if (!counts) {
    const chat::Message& said = says_[next_++];
    sink->on_event(delta_of(said));
    if (!said.tool_calls.empty()) finished.reason = chat::FinishReason::ToolCalls;
    finished.usage.completion_tokens = static_cast<std::uint32_t>(said.content.size());
  }
  sink->on_event(finished);
  return over;
}

Result<model::Embeddings> SaidModel::embed(const Call&, std::vector<model::EmbedInput>) {
  return Error{Code::InvalidInput, "a script has no embeddings"};
}

Result<std::vector<chat::Token>> SaidModel::tokenize(const Call&, std::string text, bool, bool) {
  std::vector<chat::Token> tokens;
  for (const char one : text) tokens.push_back(static_cast<unsigned char>(one));
  return tokens;
}

Result<std::string> SaidModel::detokenize(const Call&, std::vector<chat::Token> tokens) {
  std::string text;
  for (const chat::Token token : tokens) text += static_cast<char>(token);
  return text;
}

}  // namespace hearth::app
