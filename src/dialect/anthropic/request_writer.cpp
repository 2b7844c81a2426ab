#include <algorithm>
#include <set>

#include "dialect/anthropic.h"
#include "dialect/parts/lenient.h"
#include "dialect/parts/told.h"

namespace hearth::dialect::anthropic {
namespace {

using chat::Role;

Json text_block(std::string_view text) { return {{"type", "text"}, {"text", text}}; }

Json image_block(const chat::Image& image) {
  if (!image.url.empty())
    return {{"type", "image"}, {"source", {{"type", "url"}, {"url", image.url}}}};
  return {{"type", "image"},
          {"source", {{"type", "base64"}, {"media_type", image.media_type}, {"data", image.data}}}};
}

/// What is blank is refused there: "must contain non-whitespace text".
Json blocks_of(const Turn& turn, Lost& lost) {
  Json blocks = Json::array();
  for (const Piece& piece : pieces_of(*turn.said)) {
    if (piece.image)
      blocks.push_back(image_block(*piece.image));
    else if (!is_blank(piece.text))
      blocks.push_back(text_block(piece.text));
    else
      lost.add(turn.path() + ".content", "is blank and is left out");
  }
  return blocks;
}

class RequestWriter {
 public:
  RequestWriter(const Ask& ask, const ClientOptions& options) : ask_(ask), options_(options) {}

  Result<Carried<Json>> write(const chat::Conversation& talk);

 private:
  Result<void> check() const;
  void write_messages(const Talk& talk);
  void write_turn(const Turn& turn);
  void write_system(const Turn& turn, bool is_first);
  void write_user(const Turn& turn);
  void write_assistant(const Turn& turn, bool is_last);
  void write_tool_result(const Turn& turn);
  void put(const char* role, Json blocks, bool joins = false);
  void mark_if_border(std::size_t messages_before, std::size_t messages_now);
  void write_tools(const chat::Conversation& talk);
  void write_choice(const chat::Conversation& talk);
  void write_sampling();
  void write_stops();
  void write_format();

  const Ask& ask_;
  const ClientOptions& options_;
  Json body_ = Json::object(), system_ = Json::array(), messages_ = Json::array();
  /// The block that was written last, for a mark of the cache behind it.
  Json* last_block_ = nullptr;
  Lost lost_{};
};

Result<void> RequestWriter::check() const {
  const std::set<std::uint32_t> marks(ask_.cache_behind.begin(), ask_.cache_behind.end());
  if (marks.size() > kCacheMarksMax)
    return field_error("cache_behind",
                       "at most " + std::to_string(kCacheMarksMax) + " are allowed");
  return check_images(std::get<chat::Conversation>(ask_.request.prompt));
}

Result<Carried<Json>> RequestWriter::write(const chat::Conversation& talk) {
  TRY_VOID(check());
  body_["model"] = ask_.model;
  body_["max_tokens"] = std::max(ask_.request.tokens_max.value_or(options_.tokens_max), 1U);
  write_tools(talk);
  write_messages(Talk(talk, lost_));
  if (messages_.empty())
    return field_error("messages", "a message of a user or an assistant with text is required");
  if (!system_.empty()) body_["system"] = std::move(system_);
  body_["messages"] = std::move(messages_);
  write_choice(talk);
  write_sampling();
  write_stops();
  write_format();
  if (ask_.stream) body_["stream"] = true;
  return Carried<Json>{std::move(body_), std::move(lost_)};
}

void RequestWriter::write_messages(const Talk& talk) {
  bool is_first = true;
  std::size_t before = 0;
  for (std::size_t i = 0; i < talk.turns().size(); ++i) {
    const Turn& turn = talk.turns()[i];
    mark_if_border(before, turn.index);
    before = std::max(before, turn.index);
    switch (turn.said->role) {
      case Role::System: write_system(turn, is_first); break;
      case Role::User: write_user(turn); break;
      case Role::Assistant: write_assistant(turn, i + 1 == talk.turns().size()); break;
      case Role::Tool: write_tool_result(turn); break;
    }
    is_first = is_first && turn.said->role == Role::System;
    if (i != talk.tail_turn()) continue;
    mark_if_border(before, turn.index + 1);  // what changes each time stands behind the mark
    before = turn.index + 1;
    const auto& said = std::get<chat::Conversation>(ask_.request.prompt);
    put("user", Json::array({text_block(said.tail)}), true);
  }
  mark_if_border(before, std::get<chat::Conversation>(ask_.request.prompt).messages.size());
}

/// Marks the last block where a border lies behind more than `before` messages, and at most `now`.
void RequestWriter::mark_if_border(std::size_t before, std::size_t now) {
  const bool is_border = std::ranges::any_of(
      ask_.cache_behind, [&](std::uint32_t behind) { return behind > before && behind <= now; });
  if (is_border && last_block_) (*last_block_)["cache_control"] = {{"type", "ephemeral"}};
}

void RequestWriter::put(const char* role, Json blocks, bool joins) {
  if (blocks.empty()) return;
  if (!joins || messages_.empty() || messages_.back()["role"] != role)
    messages_.push_back({{"role", role}, {"content", Json::array()}});
  Json& content = messages_.back()["content"];
  for (Json& block : blocks) content.push_back(std::move(block));
  last_block_ = &content.back();
}

void RequestWriter::write_system(const Turn& turn, bool is_first) {
  if (!is_first) lost_.add(turn.path() + ".role", "a system message is moved to the beginning");
  lose_images(turn, lost_);
  if (is_blank(turn.said->content)) {
    lost_.add(turn.path() + ".content", "is blank and is left out");
    return;
  }
  system_.push_back(text_block(turn.said->content));
  if (messages_.empty()) last_block_ = &system_.back();
}

void RequestWriter::write_user(const Turn& turn) {
  const chat::Message& message = *turn.said;
  if (!message.name.empty()) lost_.add(turn.path() + ".name", "speakers have no names here");
  Json blocks = blocks_of(turn, lost_);
  const auto& talk = std::get<chat::Conversation>(ask_.request.prompt);
  if (blocks.empty() && turn.index < talk.messages.size())
    lost_.add(turn.path() + ".content", "is blank and is left out");
  // Behind answers of tools they are one message there.
  const bool after_results = !messages_.empty() && messages_.back()["role"] == "user" &&
                             messages_.back()["content"].back()["type"] == "tool_result";
  put("user", std::move(blocks), after_results);
}

void RequestWriter::write_assistant(const Turn& turn, bool is_last) {
  const chat::Message& message = *turn.said;
  if (!message.name.empty()) lost_.add(turn.path() + ".name", "speakers have no names here");
  if (!message.reasoning.empty())
    lost_.add(turn.path() + ".reasoning", "thoughts without a signature are refused");
  lose_images(turn, lost_);
  Json blocks = Json::array();
  std::string_view text = message.content;
  if (is_last && message.tool_calls.empty()) {  // refused there: "cannot end with whitespace"
    text = text.substr(0, text.find_last_not_of(" \t\r\n\v\f") + 1);
    if (text.size() < message.content.size())
      lost_.add(turn.path() + ".content", "white space at its end is left out");
  }
  if (!is_blank(text))
    blocks.push_back(text_block(text));
  else if (!message.content.empty() || message.tool_calls.empty())
    lost_.add(turn.path() + ".content", "is blank and is left out");
  for (std::size_t i = 0; i < message.tool_calls.size(); ++i) {
    const chat::ToolCall& call = message.tool_calls[i];
    Json input = arguments_of(call, item(turn.path() + ".tool_calls", i), lost_);
    blocks.push_back({{"type", "tool_use"},
                      {"id", plain_call_id(call.id)},
                      {"name", call.name},
                      {"input", std::move(input)}});
  }
  put("assistant", std::move(blocks));
}

void RequestWriter::write_tool_result(const Turn& turn) {
  const chat::Message& message = *turn.said;
  Json block = {{"type", "tool_result"}, {"tool_use_id", plain_call_id(message.tool_call_id)}};
  if (message.images.empty())
    block["content"] = message.content;
  else
    block["content"] = blocks_of(turn, lost_);
  if (message.is_error) block["is_error"] = true;
  put("user", Json::array({std::move(block)}), true);
}

void RequestWriter::write_tools(const chat::Conversation& talk) {
  if (talk.tools.empty()) return;
  Json& tools = body_["tools"] = Json::array();
  for (const chat::Tool& tool : talk.tools) {
    Json one = {{"name", tool.name}};
    if (!tool.description.empty()) one["description"] = tool.description;
    one["input_schema"] = schema_of(tool);
    tools.push_back(std::move(one));
  }
  const bool is_marked = std::ranges::find(ask_.cache_behind, 0U) != ask_.cache_behind.end();
  if (is_marked) tools.back()["cache_control"] = {{"type", "ephemeral"}};
}

void RequestWriter::write_choice(const chat::Conversation& talk) {
  using Mode = chat::ToolChoice::Mode;
  const Mode mode = talk.tool_choice.mode;
  if (talk.tools.empty() || (mode == Mode::Auto && talk.parallel_tool_calls)) return;
  Json choice = {{"type", "auto"}};
  if (mode == Mode::None) choice = {{"type", "none"}};
  if (mode == Mode::Required) choice = {{"type", "any"}};
  if (mode == Mode::Named) choice = {{"type", "tool"}, {"name", talk.tool_choice.name}};
  if (!talk.parallel_tool_calls && mode != Mode::None) choice["disable_parallel_tool_use"] = true;
  body_["tool_choice"] = std::move(choice);
}

void RequestWriter::write_sampling() {
  const chat::Sampling& sampling = ask_.request.sampling;
  lose_sampling(ask_.request, {}, lost_);
  const bool has_temperature = sampling.temperature != 1.0f;
  if (has_temperature) body_["temperature"] = number_of(std::min(sampling.temperature, 1.0f));
  if (sampling.temperature > 1.0f) lost_.add("temperature", "is 1 at most here");
  if (sampling.top_k > 0) body_["top_k"] = sampling.top_k;
  if (sampling.top_p == 1.0f) return;
  if (has_temperature && options_.one_sampler)
    lost_.add("top_p", "cannot be given beside temperature");
  else
    body_["top_p"] = number_of(sampling.top_p);
}

void RequestWriter::write_stops() {
  Json stops = Json::array();
  for (std::size_t i = 0; i < ask_.request.stop.size(); ++i) {
    if (is_blank(ask_.request.stop[i]))
      lost_.add(item("stop", i), "must hold more than white space here");
    else
      stops.push_back(ask_.request.stop[i]);
  }
  if (!stops.empty()) body_["stop_sequences"] = std::move(stops);
}

void RequestWriter::write_format() {
  using Kind = chat::OutputFormat::Kind;
  const chat::OutputFormat& format = ask_.request.format;
  if (format.kind == Kind::Text) return;
  auto schema = parse_json(format.source, "format");
  if (format.kind != Kind::JsonSchema || !options_.output_format || !schema.ok())
    return lost_.add("format", "this provider cannot be asked for it");
  body_["output_config"] = {
      {"format", {{"type", "json_schema"}, {"schema", std::move(schema).value()}}}};
}

}  // namespace

Result<Carried<Json>> write_request(const Ask& ask, const ClientOptions& options) {
  TRY(const chat::Conversation* const talk, conversation_of(ask));
  return RequestWriter(ask, options).write(*talk);
}

}  // namespace hearth::dialect::anthropic
