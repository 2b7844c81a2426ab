#include <algorithm>
#include <array>

#include "dialect/openai.h"
#include "dialect/parts/lenient.h"
#include "dialect/parts/told.h"

namespace hearth::dialect::openai {
namespace {

using chat::Role;

class RequestWriter {
 public:
  RequestWriter(const Ask& ask, const chat::Conversation& talk, const Options& options)
      : ask_(ask), said_(talk), options_(options) {}

  Result<Carried<Json>> write();

 private:
  void write_messages(const Talk& talk);
  Json message_of(const Turn& turn, bool has_tail);
  Json content_of(const Turn& turn, bool has_tail);
  Json parts_of(const Turn& turn, bool has_tail);
  void write_calls(const Turn& turn, Json& out);
  std::string id_of(const std::string& id) const;
  void write_tools();
  void write_choice();
  void write_sampling();
  void write_limits();
  void write_format();

  const Ask& ask_;
  const chat::Conversation& said_;
  const Options& options_;
  Json body_ = Json::object();
  Lost lost_{};
};

Result<Carried<Json>> RequestWriter::write() {
  TRY_VOID(check_images(said_));
  body_["model"] = ask_.model;
  write_messages(Talk(said_, lost_));
  write_tools();
  write_choice();
  write_sampling();
  write_limits();
  write_format();
  if (!ask_.stream) return Carried<Json>{std::move(body_), std::move(lost_)};
  body_["stream"] = true;
  if (options_.stream_options) body_["stream_options"] = {{"include_usage", true}};
  return Carried<Json>{std::move(body_), std::move(lost_)};
}

void RequestWriter::write_messages(const Talk& talk) {
  Json& messages = body_["messages"] = Json::array();
  for (std::size_t i = 0; i < talk.turns().size(); ++i)
    messages.push_back(message_of(talk.turns()[i], i == talk.tail_turn()));
}

Json RequestWriter::message_of(const Turn& turn, bool has_tail) {
  const chat::Message& message = *turn.said;
  Json out = {{"role", chat::role_name(message.role)}, {"content", content_of(turn, has_tail)}};
  const bool is_speaker = message.role != Role::Tool;  // a tool is known by its call
  if (is_speaker && !message.name.empty() && options_.speaker_names) out["name"] = message.name;
  if (is_speaker && !message.name.empty() && !options_.speaker_names)
    lost_.add(turn.path() + ".name", "speakers have no names here");
  if (message.role == Role::Tool) out["tool_call_id"] = id_of(message.tool_call_id);
  if (message.is_error) lost_.add(turn.path() + ".is_error", "only its text says so");
  if (!message.reasoning.empty() && options_.sends_reasoning)
    out["reasoning_content"] = message.reasoning;
  if (!message.reasoning.empty() && !options_.sends_reasoning)
    lost_.add(turn.path() + ".reasoning", "earlier thoughts are not sent");
  write_calls(turn, out);
  return out;
}

Json RequestWriter::content_of(const Turn& turn, bool has_tail) {
  const chat::Message& message = *turn.said;
  if (message.role == Role::User && options_.images && !message.images.empty())
    return parts_of(turn, has_tail);
  lose_images(turn, lost_);
  const bool only_calls = message.content.empty() && !message.tool_calls.empty();
  if (only_calls) return nullptr;
  if (!has_tail) return message.content;
  return message.content.empty() ? said_.tail : message.content + "\n\n" + said_.tail;
}

Json RequestWriter::parts_of(const Turn& turn, bool has_tail) {
  Json parts = Json::array();
  const auto put_text = [&](std::string_view text) {
    parts.push_back({{"type", "text"}, {"text", text}});
  };
  for (const Piece& piece : pieces_of(*turn.said)) {
    if (!piece.image) {
      put_text(piece.text);
    } else if (!piece.image->url.empty() && !options_.image_urls) {
      lost_.add(turn.path() + ".images", "this provider fetches none");
    } else {
      const chat::Image& image = *piece.image;
      const std::string url =
          image.url.empty() ? "data:" + image.media_type + ";base64," + image.data : image.url;
      parts.push_back({{"type", "image_url"}, {"image_url", {{"url", url}}}});
    }
  }
  if (has_tail) put_text(said_.tail);
  if (parts.empty()) put_text("");
  return parts;
}

void RequestWriter::write_calls(const Turn& turn, Json& out) {
  for (std::size_t i = 0; i < turn.said->tool_calls.size(); ++i) {
    const chat::ToolCall& call = turn.said->tool_calls[i];
    const auto parsed = parse_json(call.arguments, "arguments");
    // Whoever reads them expects JSON; what is none is kept inside of it.
    const bool is_fine = parsed.ok() && parsed.value().is_object();
    const std::string arguments =
        is_fine ? call.arguments
                : arguments_of(call, item(turn.path() + ".tool_calls", i), lost_)
                      .dump(-1, ' ', false, Json::error_handler_t::replace);
    out["tool_calls"].push_back({{"id", id_of(call.id)},
                                 {"type", "function"},
                                 {"function", {{"name", call.name}, {"arguments", arguments}}}});
  }
}

std::string RequestWriter::id_of(const std::string& id) const {
  return options_.short_call_ids ? short_call_id(id) : id;
}

void RequestWriter::write_tools() {
  if (said_.tools.empty()) return;
  Json& tools = body_["tools"] = Json::array();
  for (const chat::Tool& tool : said_.tools) {
    Json function = {{"name", tool.name}};
    if (!tool.description.empty()) function["description"] = tool.description;
    function["parameters"] = schema_of(tool);
    tools.push_back({{"type", "function"}, {"function", std::move(function)}});
  }
}

void RequestWriter::write_choice() {
  using Mode = chat::ToolChoice::Mode;
  if (said_.tools.empty()) return;
  switch (said_.tool_choice.mode) {
    case Mode::Auto: break;
    case Mode::None: body_["tool_choice"] = "none"; break;
    case Mode::Required: body_["tool_choice"] = "required"; break;
    case Mode::Named:
      body_["tool_choice"] = {{"type", "function"},
                              {"function", {{"name", said_.tool_choice.name}}}};
      break;
  }
  if (said_.parallel_tool_calls) return;
  if (options_.parallel_tool_calls)
    body_["parallel_tool_calls"] = false;
  else
    lost_.add("parallel_tool_calls", "this provider cannot be asked for it");
}

void RequestWriter::write_sampling() {
  const chat::Sampling& sampling = ask_.request.sampling;
  const bool all = options_.sampling, local = all && options_.local_sampling;
  const bool penalties = all && options_.penalties;
  lose_sampling(ask_.request,
                {.temperature = all,
                 .top_p = all,
                 .top_k = local,
                 .min_p = local,
                 .typical_p = local,
                 .repeat_penalty = local,
                 .penalties = penalties,
                 .seed = !options_.seed.empty()},
                lost_);
  struct Row {
    const char* field;
    bool is_told;
    float value, neutral;
  };
  const std::array<Row, 7> kRows = {{
      {"temperature", all, sampling.temperature, 1},
      {"top_p", all, sampling.top_p, 1},
      {"min_p", local, sampling.min_p, 0},
      {"typical_p", local, sampling.typical_p, 1},
      {"repeat_penalty", local, sampling.repeat_penalty, 1},
      {"presence_penalty", penalties, sampling.presence_penalty, 0},
      {"frequency_penalty", penalties, sampling.frequency_penalty, 0},
  }};
  for (const Row& row : kRows)
    if (row.is_told && row.value != row.neutral) body_[row.field] = number_of(row.value);
  if (local && sampling.top_k > 0) body_["top_k"] = sampling.top_k;
  if (sampling.seed && !options_.seed.empty()) body_[std::string(options_.seed)] = *sampling.seed;
}

void RequestWriter::write_limits() {
  const bool is_old = options_.tokens_field == Options::TokensField::MaxTokens;
  const char* const field = is_old ? "max_tokens" : "max_completion_tokens";
  if (ask_.request.tokens_max) body_[field] = std::max(*ask_.request.tokens_max, 1U);
  const auto& stops = ask_.request.stop;
  for (std::size_t i = 0; i < stops.size(); ++i) {
    if (i < options_.stops_max)
      body_["stop"].push_back(stops[i]);
    else
      lost_.add(item("stop", i),
                "at most " + std::to_string(options_.stops_max) + " are allowed here");
  }
}

void RequestWriter::write_format() {
  using Kind = chat::OutputFormat::Kind;
  const chat::OutputFormat& format = ask_.request.format;
  if (format.kind == Kind::Text) return;
  if (format.kind == Kind::Grammar) {
    if (options_.local_sampling)
      body_["grammar"] = format.source;
    else
      lost_.add("format", "this provider takes no grammar");
    return;
  }
  auto schema = parse_json(format.source, "format");
  if (format.kind == Kind::JsonSchema && options_.json_schema && schema.ok()) {
    body_["response_format"] = {
        {"type", "json_schema"},
        {"json_schema", {{"name", "answer"}, {"schema", std::move(schema).value()}}}};
    return;
  }
  if (format.kind == Kind::JsonSchema) lost_.add("format", "any JSON object is asked for instead");
  body_["response_format"] = {{"type", "json_object"}};
}

}  // namespace

Options options_of(std::string_view server) {
  using Field = Options::TokensField;
  if (server == "openai") return {};
  if (server == "openrouter") return {.tokens_field = Field::MaxTokens};
  if (server == "xai")
    return {.tokens_field = Field::MaxTokens, .penalties = false, .speaker_names = false};
  if (server == "groq") return {.penalties = false, .speaker_names = false, .json_schema = false};
  if (server == "mistral")
    return {.tokens_field = Field::MaxTokens,
            .stream_options = false,
            .seed = "random_seed",
            .speaker_names = false,
            .short_call_ids = true};
  if (server == "llama-server")
    return {.tokens_field = Field::MaxTokens,
            .local_sampling = true,
            .sends_reasoning = true,
            .stops_max = chat::kStopMax};
  return {.tokens_field = Field::MaxTokens,
          .parallel_tool_calls = false,
          .speaker_names = false,
          .stops_max = 4};
}

Result<Carried<Json>> write_request(const Ask& ask, const Options& options) {
  TRY(const chat::Conversation* const talk, conversation_of(ask));
  return RequestWriter(ask, *talk, options).write();
}

}  // namespace hearth::dialect::openai
