#include "api/openai/common_fields.h"

#include <algorithm>
#include <charconv>

namespace hearth::api {
namespace {

using json = nlohmann::ordered_json;

std::string at_most(std::string_view what, std::size_t limit) {
  return "at most " + std::to_string(limit) + " " + std::string(what) + " are allowed";
}

bool in_vocabulary(std::int64_t token, std::uint32_t vocabulary) {
  return token >= 0 && token <= 2'147'483'647 && (vocabulary == 0 || token < vocabulary);
}

std::string not_a_token(std::uint32_t vocabulary) {
  const std::string last = std::to_string(vocabulary == 0 ? 2'147'483'647u : vocabulary - 1);
  return "not a token of this model (0 to " + last + ")";
}

Result<std::vector<std::pair<chat::Token, float>>> parse_logit_bias(const Fields& fields,
                                                                    std::uint32_t vocabulary) {
  std::vector<std::pair<chat::Token, float>> out;
  const json* map = fields.find("logit_bias");
  if (!map) return out;
  TRY(const Fields biases, Fields::of(*map, fields.path("logit_bias")));
  if (map->size() > chat::kLogitBiasMax)
    return fields.wrong("logit_bias", at_most("tokens", chat::kLogitBiasMax));
  for (const auto& [key, value] : map->items()) {
    std::int64_t token = -1;
    const auto [rest, status] = std::from_chars(key.data(), key.data() + key.size(), token);
    const bool whole = status == std::errc{} && rest == key.data() + key.size();
    if (!whole || !in_vocabulary(token, vocabulary))
      return biases.wrong(key, not_a_token(vocabulary));
    TRY(const double bias, biases.number_or(key, 0, {-100, 100}));
    out.emplace_back(static_cast<chat::Token>(token), static_cast<float>(bias));
  }
  return out;
}

Result<void> parse_penalties(const Fields& fields, chat::Sampling& out) {
  TRY(out.repeat_penalty, fields.number_or("repeat_penalty", 1, {kSmallestShare, 2}));
  TRY(const auto last, fields.whole_or("repeat_last_n", out.repeat_last_n, {-1, kRepeatLastMax}));
  out.repeat_last_n = static_cast<std::int32_t>(last);
  TRY(out.presence_penalty, fields.number_or("presence_penalty", 0, {-2, 2}));
  TRY(out.frequency_penalty, fields.number_or("frequency_penalty", 0, {-2, 2}));
  return ok();
}

/// Reads any 64-bit number, signed or not; Fields::whole stops short of the unsigned half.
Result<std::optional<std::uint64_t>> parse_seed(const Fields& fields) {
  const json* seed = fields.find("seed");
  if (!seed) return std::optional<std::uint64_t>();
  if (seed->is_number_unsigned()) return std::optional(seed->get<std::uint64_t>());
  if (!seed->is_number_integer())
    return fields.wrong("seed", "a whole number of at most 64 bits is required");
  const auto value = seed->get<std::int64_t>();
  if (value == -1) return std::optional<std::uint64_t>();
  return std::optional(static_cast<std::uint64_t>(value));
}

Result<chat::OutputFormat> format_of_schema(const json& schema, const std::string& path) {
  if (!schema.is_object()) return field_error(path, "a JSON Schema (an object) is required");
  std::string text = schema.dump();
  if (text.size() > chat::kSchemaBytesMax)
    return field_error(path, at_most("bytes", chat::kSchemaBytesMax));
  return chat::OutputFormat{chat::OutputFormat::Kind::JsonSchema, std::move(text)};
}

Result<chat::OutputFormat> parse_response_format(const Fields& fields) {
  TRY(const Fields format,
      Fields::of(*fields.find("response_format"), fields.path("response_format")));
  TRY(const std::string type, format.text("type"));
  if (type == "text") return chat::OutputFormat{};
  if (type == "json_object") {
    // llama-server's older way to give a schema.
    if (const json* schema = format.find("schema"))
      return format_of_schema(*schema, format.path("schema"));
    return chat::OutputFormat{chat::OutputFormat::Kind::JsonObject, ""};
  }
  if (type != "json_schema")
    return format.wrong("type", "must be text, json_object or json_schema");
  if (!format.has("json_schema"))
    return format.wrong("json_schema", "is required with type json_schema");
  TRY(const Fields named, Fields::of(*format.find("json_schema"), format.path("json_schema")));
  TRY_VOID(named.text("name"));
  TRY_VOID(named.flag_or("strict", false));
  if (!named.has("schema")) return named.wrong("schema", "is required");
  return format_of_schema(*named.find("schema"), named.path("schema"));
}

Result<chat::OutputFormat> parse_grammar(const Fields& fields) {
  TRY(std::string grammar, fields.text("grammar"));
  if (grammar.empty()) return chat::OutputFormat{};
  if (grammar.size() > chat::kGrammarBytesMax)
    return fields.wrong("grammar", at_most("bytes", chat::kGrammarBytesMax));
  return chat::OutputFormat{chat::OutputFormat::Kind::Grammar, std::move(grammar)};
}

}  // namespace

Result<std::string> parse_model_name(const Fields& fields) {
  TRY(std::string name, fields.text_or("model", ""));
  if (name.size() > kModelNameBytesMax)
    return fields.wrong("model", at_most("bytes", kModelNameBytesMax));
  return name;
}

Result<chat::Sampling> parse_sampling(const Fields& fields, std::uint32_t vocabulary) {
  chat::Sampling out;
  TRY(out.temperature, fields.number_or("temperature", 1, {0, 2}));
  TRY(const auto top_k, fields.whole_or("top_k", 0, {-1, 2'147'483'647}));
  out.top_k = static_cast<std::int32_t>(std::max<std::int64_t>(top_k, 0));
  // OpenAI takes a top_p of 0, which leaves only the likeliest token, as this small one does.
  TRY(const double top_p, fields.number_or("top_p", 1, {0, 1}));
  out.top_p = static_cast<float>(std::max(top_p, kSmallestShare));
  TRY(out.min_p, fields.number_or("min_p", 0, {0, 1}));
  TRY(out.typical_p, fields.number_or("typical_p", 1, {kSmallestShare, 1}));
  TRY_VOID(parse_penalties(fields, out));
  TRY(out.logit_bias, parse_logit_bias(fields, vocabulary));
  return out;
}

Result<Delivery> parse_delivery(const Fields& fields) {
  Delivery out;
  TRY(const auto n, fields.whole_or("n", 1, {1, kChoicesMax}));
  out.choices = static_cast<std::uint32_t>(n);
  TRY(out.stream, fields.flag_or("stream", false));
  TRY(out.seed, parse_seed(fields));
  TRY(const std::string session, fields.text_or("session_id", ""));
  if (session.size() > kSessionIdBytesMax)
    return fields.wrong("session_id", at_most("bytes", kSessionIdBytesMax));
  if (const json* options = fields.find("stream_options")) {
    TRY(const Fields inner, Fields::of(*options, fields.path("stream_options")));
    TRY(out.include_usage, inner.flag_or("include_usage", false));
  }
  return out;
}

Result<bool> parse_deterministic(const Fields& fields) {
  TRY(const bool wanted, fields.flag_or("deterministic", false));
  const json* seed = fields.find("seed");
  if (wanted && seed && *seed == -1)
    return fields.wrong("deterministic", "contradicts seed: -1, which asks for a random one");
  return wanted;
}

Result<chat::Cache> parse_cache(const Fields& fields, std::optional<std::size_t> messages) {
  chat::Cache out;
  const json* cache = fields.find("cache");
  if (!cache) return out;
  TRY(const Fields inner, Fields::of(*cache, fields.path("cache")));
  TRY(out.key, inner.text_or("key", ""));
  if (inner.has("key") && out.key.empty()) return inner.wrong("key", "must not be empty");
  if (out.key.size() > chat::kCacheKeyBytesMax)
    return inner.wrong("key", at_most("bytes", chat::kCacheKeyBytesMax));
  TRY(out.persist, inner.flag_or("persist", false));
  TRY(out.pin, inner.flag_or("pin", false));
  if (out.pin && out.key.empty()) return inner.wrong("key", "is required with pin");
  if (!inner.has("border")) return out;
  if (!messages) return inner.wrong("border", "only a conversation may have it");
  TRY(const auto border, inner.whole("border", {1, static_cast<std::int64_t>(*messages)}));
  out.border_messages = static_cast<std::uint32_t>(*border);
  return out;
}

Result<std::vector<std::string>> parse_stop(const Fields& fields) {
  std::vector<std::string> out;
  const json* stop = fields.find("stop");
  if (!stop) return out;
  const json list = stop->is_string() ? json::array({*stop}) : *stop;
  if (!list.is_array()) return fields.wrong("stop", "a string or an array of strings is required");
  if (list.size() > chat::kStopMax) return fields.wrong("stop", at_most("strings", chat::kStopMax));
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::string path = stop->is_string() ? "stop" : "stop[" + std::to_string(i) + "]";
    if (!list[i].is_string()) return field_error(path, "a string is required");
    out.push_back(list[i].get<std::string>());
    if (out.back().empty()) return field_error(path, "must not be empty");
    if (out.back().size() > chat::kStopBytesMax)
      return field_error(path, at_most("bytes", chat::kStopBytesMax));
  }
  return out;
}

Result<chat::OutputFormat> parse_format(const Fields& fields) {
  const bool has_format = fields.has("response_format"), has_schema = fields.has("json_schema");
  const bool has_grammar = fields.has("grammar");
  chat::OutputFormat out;
  if (has_format) {
    TRY(out, parse_response_format(fields));
  }
  if (has_schema) {
    if (out.kind != chat::OutputFormat::Kind::Text)
      return fields.wrong("json_schema", "cannot be combined with response_format");
    TRY(out, format_of_schema(*fields.find("json_schema"), fields.path("json_schema")));
  }
  if (!has_grammar) return out;
  TRY(chat::OutputFormat grammar, parse_grammar(fields));
  if (grammar.kind == chat::OutputFormat::Kind::Text) return out;
  if (out.kind != chat::OutputFormat::Kind::Text)
    return fields.wrong("grammar", "cannot be combined with response_format or json_schema");
  return grammar;
}

Result<std::vector<chat::Token>> parse_tokens(const json& value, const std::string& path,
                                              std::uint32_t vocabulary) {
  std::vector<chat::Token> out;
  out.reserve(value.size());
  for (std::size_t i = 0; i < value.size(); ++i) {
    const std::string here = path + "[" + std::to_string(i) + "]";
    if (!value[i].is_number_integer())
      return field_error(here, "a token (a whole number) is required");
    const bool huge =
        value[i].is_number_unsigned() && value[i].get<std::uint64_t>() > 2'147'483'647u;
    const auto token = value[i].get<std::int64_t>();
    if (huge || !in_vocabulary(token, vocabulary))
      return field_error(here, not_a_token(vocabulary));
    out.push_back(static_cast<chat::Token>(token));
  }
  return out;
}

std::uint32_t seed_of(std::uint64_t seed, std::uint32_t choice_index) {
  constexpr std::uint32_t kReserved = 0xffffffff;  // llama.cpp's "choose one for me"
  std::uint64_t value = seed + choice_index;
  if (value < kReserved) return static_cast<std::uint32_t>(value);
  // splitmix64's finalizer. Source: prng.di.unimi.it/splitmix64.c
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ULL;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebULL;
  const auto mixed = static_cast<std::uint32_t>((value ^ (value >> 31)) >> 32);
  return mixed == kReserved ? 0 : mixed;
}

}  // namespace hearth::api
