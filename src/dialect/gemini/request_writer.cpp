#include <algorithm>
#include <map>

#include "dialect/gemini.h"
#include "dialect/parts/lenient.h"
#include "dialect/parts/told.h"

namespace hearth::dialect::gemini {
namespace {

using chat::Role;

// Source: ai.google.dev/gemini-api/docs/thought-signatures
constexpr const char* kForeignSignature = "skip_thought_signature_validator";

class RequestWriter {
 public:
  RequestWriter(const Ask& ask, const chat::Conversation& talk, const Options& options)
      : ask_(ask), said_(talk), options_(options) {}

  Result<Carried<Json>> write();

 private:
  void write_contents(const Talk& talk);
  void write_system(const Turn& turn);
  void write_user(const Turn& turn);
  void write_model(const Turn& turn);
  void write_result(const Turn& turn);
  Json parts_of(const Turn& turn);
  void put(const char* role, Json parts, bool joins = false);
  void write_tools();
  void write_choice();
  void write_config();
  void write_sampling(Json& config);
  void write_format(Json& config);

  const Ask& ask_;
  const chat::Conversation& said_;
  const Options& options_;
  Json body_ = Json::object(), system_ = Json::array(), contents_ = Json::array();
  std::map<std::string, std::string, std::less<>> names_{};  // of functions, by the call's id
  Lost lost_{};
};

Result<Carried<Json>> RequestWriter::write() {
  TRY_VOID(check_images(said_));
  write_contents(Talk(said_, lost_));
  if (contents_.empty())
    return field_error("messages", "a message of a user or an assistant with text is required");
  if (!system_.empty()) body_["systemInstruction"] = {{"parts", std::move(system_)}};
  body_["contents"] = std::move(contents_);
  write_tools();
  write_choice();
  write_config();
  return Carried<Json>{std::move(body_), std::move(lost_)};
}

void RequestWriter::write_contents(const Talk& talk) {
  bool is_first = true;
  for (std::size_t i = 0; i < talk.turns().size(); ++i) {
    const Turn& turn = talk.turns()[i];
    const bool is_system = turn.said->role == Role::System;
    if (is_system && !is_first)
      lost_.add(turn.path() + ".role", "a system message is moved to the beginning");
    is_first = is_first && is_system;
    if (!turn.said->name.empty() && turn.said->role != Role::Tool)
      lost_.add(turn.path() + ".name", "speakers have no names here");
    switch (turn.said->role) {
      case Role::System: write_system(turn); break;
      case Role::User: write_user(turn); break;
      case Role::Assistant: write_model(turn); break;
      case Role::Tool: write_result(turn); break;
    }
    if (i == talk.tail_turn()) put("user", Json::array({Json{{"text", said_.tail}}}), true);
  }
}

void RequestWriter::put(const char* role, Json parts, bool joins) {
  if (parts.empty()) return;
  if (!joins || contents_.empty() || contents_.back()["role"] != role)
    contents_.push_back({{"role", role}, {"parts", Json::array()}});
  for (Json& part : parts) contents_.back()["parts"].push_back(std::move(part));
}

void RequestWriter::write_system(const Turn& turn) {
  lose_images(turn, lost_);
  if (turn.said->content.empty())
    lost_.add(turn.path() + ".content", "is empty and is left out");
  else
    system_.push_back({{"text", turn.said->content}});
}

Json RequestWriter::parts_of(const Turn& turn) {
  Json parts = Json::array();
  for (const Piece& piece : pieces_of(*turn.said)) {
    if (!piece.image)
      parts.push_back({{"text", piece.text}});
    else if (piece.image->url.empty())
      parts.push_back(
          {{"inlineData", {{"mimeType", piece.image->media_type}, {"data", piece.image->data}}}});
    else
      lost_.add(turn.path() + ".images", "this provider fetches none");
  }
  return parts;
}

void RequestWriter::write_user(const Turn& turn) {
  Json parts = parts_of(turn);
  if (parts.empty() && turn.index < said_.messages.size())
    lost_.add(turn.path() + ".content", "is empty and is left out");
  // A turn of the user that follows the results of functions is part of theirs.
  const bool after_results =
      !contents_.empty() && contents_.back()["parts"].back().contains("functionResponse");
  put("user", std::move(parts), after_results);
}

void RequestWriter::write_model(const Turn& turn) {
  const chat::Message& message = *turn.said;
  if (!message.reasoning.empty())
    lost_.add(turn.path() + ".reasoning", "earlier thoughts are not sent");
  lose_images(turn, lost_);
  Json parts = Json::array();
  if (!message.content.empty()) parts.push_back({{"text", message.content}});
  for (std::size_t i = 0; i < message.tool_calls.size(); ++i) {
    const chat::ToolCall& call = message.tool_calls[i];
    names_[call.id] = call.name;
    Json arguments = arguments_of(call, item(turn.path() + ".tool_calls", i), lost_);
    Json part = {{"functionCall", {{"name", call.name}, {"args", std::move(arguments)}}}};
    // Of calls at the same time the first one carries it.
    if (options_.signs_calls && i == 0) part["thoughtSignature"] = kForeignSignature;
    parts.push_back(std::move(part));
  }
  if (parts.empty()) lost_.add(turn.path() + ".content", "is empty and is left out");
  put("model", std::move(parts));
}

void RequestWriter::write_result(const Turn& turn) {
  const chat::Message& message = *turn.said;
  lose_images(turn, lost_);
  Json response = {{message.is_error ? "error" : "output", message.content}};
  Json part = {{"functionResponse",
                {{"name", names_[message.tool_call_id]}, {"response", std::move(response)}}}};
  put("user", Json::array({std::move(part)}), true);
}

void RequestWriter::write_tools() {
  if (said_.tools.empty()) return;
  Json functions = Json::array();
  for (std::size_t i = 0; i < said_.tools.size(); ++i) {
    const chat::Tool& tool = said_.tools[i];
    Json function = {{"name", tool.name}, {"description", tool.description}};
    Json schema = schema_subset(schema_of(tool), item("tools", i) + ".parameters", lost_);
    // Refused where there are none: "should be non-empty for OBJECT type"
    if (schema.contains("properties")) function["parameters"] = std::move(schema);
    functions.push_back(std::move(function));
  }
  body_["tools"] = Json::array({Json{{"functionDeclarations", std::move(functions)}}});
}

void RequestWriter::write_choice() {
  using Mode = chat::ToolChoice::Mode;
  if (said_.tools.empty()) return;
  if (!said_.parallel_tool_calls)
    lost_.add("parallel_tool_calls", "this provider cannot be asked for it");
  const Mode mode = said_.tool_choice.mode;
  if (mode == Mode::Auto) return;
  Json config = {{"mode", mode == Mode::None ? "NONE" : "ANY"}};
  if (mode == Mode::Named) config["allowedFunctionNames"] = Json::array({said_.tool_choice.name});
  body_["toolConfig"] = {{"functionCallingConfig", std::move(config)}};
}

void RequestWriter::write_config() {
  Json config = Json::object();
  write_sampling(config);
  if (ask_.request.tokens_max) config["maxOutputTokens"] = std::max(*ask_.request.tokens_max, 1U);
  const auto& stops = ask_.request.stop;
  for (std::size_t i = 0; i < stops.size(); ++i) {
    if (i < options_.stops_max)
      config["stopSequences"].push_back(stops[i]);
    else
      lost_.add(item("stop", i),
                "at most " + std::to_string(options_.stops_max) + " are allowed here");
  }
  write_format(config);
  if (!config.empty()) body_["generationConfig"] = std::move(config);
}

void RequestWriter::write_sampling(Json& config) {
  const chat::Sampling& sampling = ask_.request.sampling;
  lose_sampling(ask_.request, {.penalties = options_.penalties, .seed = options_.seed}, lost_);
  if (sampling.temperature != 1.0f) config["temperature"] = number_of(sampling.temperature);
  if (sampling.top_p != 1.0f) config["topP"] = number_of(sampling.top_p);
  if (sampling.top_k > 0) config["topK"] = sampling.top_k;
  if (options_.penalties && sampling.presence_penalty != 0)
    config["presencePenalty"] = number_of(sampling.presence_penalty);
  if (options_.penalties && sampling.frequency_penalty != 0)
    config["frequencyPenalty"] = number_of(sampling.frequency_penalty);
  // There it is a signed number of 32 bits.
  if (options_.seed && sampling.seed) config["seed"] = static_cast<std::int32_t>(*sampling.seed);
}

void RequestWriter::write_format(Json& config) {
  using Kind = chat::OutputFormat::Kind;
  const chat::OutputFormat& format = ask_.request.format;
  if (format.kind == Kind::Text) return;
  if (format.kind == Kind::Grammar) return lost_.add("format", "this provider takes no grammar");
  if (!said_.tools.empty()) return lost_.add("format", "cannot be asked for beside tools here");
  config["responseMimeType"] = "application/json";
  if (format.kind != Kind::JsonSchema) return;
  const auto schema = parse_json(format.source, "format");
  if (schema.ok())
    config["responseSchema"] = schema_subset(schema.value(), "format", lost_);
  else
    lost_.add("format", "is no JSON");
}

}  // namespace

Result<Carried<Json>> write_request(const Ask& ask, const Options& options) {
  TRY(const chat::Conversation* const talk, conversation_of(ask));
  return RequestWriter(ask, *talk, options).write();
}

}  // namespace hearth::dialect::gemini
