#include "api/openai/text_request.h"

#include <bit>

namespace hearth::api {
namespace {

using json = nlohmann::ordered_json;

constexpr const char* kInputKinds =
    "a string, an array of strings, an array of tokens or an array of token arrays is required";

std::string item(const std::string& path, std::size_t index) {
  return path + "[" + std::to_string(index) + "]";
}

Result<TextOrTokens> parse_one_input(const json& value, const std::string& path,
                                     std::uint32_t vocabulary) {
  if (value.is_string()) return TextOrTokens(value.get<std::string>());
  if (!value.is_array()) return field_error(path, "a string or an array of tokens is required");
  TRY(auto tokens, parse_tokens(value, path, vocabulary));
  if (tokens.empty()) return field_error(path, "must not be empty");
  return TextOrTokens(std::move(tokens));
}

/// The four shapes of `prompt` and `input`.
Result<std::vector<TextOrTokens>> parse_inputs(const Fields& fields, const std::string& name,
                                               std::size_t inputs_max, std::uint32_t vocabulary) {
  const json* value = fields.find(name);
  if (!value) return fields.wrong(name, "is required");
  std::vector<TextOrTokens> out;
  const bool single =
      value->is_string() || (value->is_array() && !value->empty() && value->front().is_number());
  if (single) {
    TRY(auto one, parse_one_input(*value, name, vocabulary));
    out.push_back(std::move(one));
    return out;
  }
  if (!value->is_array()) return fields.wrong(name, kInputKinds);
  if (value->empty()) return fields.wrong(name, "must not be an empty array");
  if (value->size() > inputs_max)
    return fields.wrong(name, "has " + std::to_string(value->size()) + " items, at most " +
                                  std::to_string(inputs_max) + " are allowed");
  for (std::size_t i = 0; i < value->size(); ++i) {
    TRY(auto one, parse_one_input((*value)[i], item(name, i), vocabulary));
    out.push_back(std::move(one));
  }
  return out;
}

/// What legacy completions have and we have not; harmless values pass.
Result<void> refuse_unsupported(const Fields& fields, std::uint32_t choices, bool echo,
                                bool logprobs) {
  TRY(const std::string suffix, fields.text_or("suffix", ""));
  if (!suffix.empty()) return fields.wrong("suffix", "is not supported");
  TRY(const auto best_of, fields.whole_or("best_of", choices, {1, kChoicesMax}));
  if (best_of != choices) return fields.wrong("best_of", "is not supported unless it equals n");
  if (echo && logprobs) return fields.wrong("echo", "cannot be combined with logprobs");
  return ok();
}

Result<void> parse_generation(const Fields& fields, std::uint32_t vocabulary, chat::Request& out) {
  TRY(out.sampling, parse_sampling(fields, vocabulary));
  TRY(out.format, parse_format(fields));
  TRY(out.stop, parse_stop(fields));
  TRY(out.cache_prompt, fields.flag_or("cache_prompt", true));
  TRY(out.ignore_eos, fields.flag_or("ignore_eos", false));
  TRY(out.cache, parse_cache(fields, std::nullopt));
  TRY(out.lookup, fields.flag_or("lookup", true));
  TRY(out.forced_tokens, fields.flag_or("forced_tokens", true));
  TRY(const auto tokens_max, fields.whole("max_tokens", {1, kTokensMax}));
  if (tokens_max) out.tokens_max = static_cast<std::uint32_t>(*tokens_max);
  TRY(const auto logprobs, fields.whole("logprobs", {0, chat::kTopLogprobsMax}));
  if (logprobs) out.top_logprobs = static_cast<std::uint32_t>(*logprobs);
  return ok();
}

Result<void> check_dimensions(const Fields& fields, std::uint32_t embedding_length) {
  TRY(const auto wanted, fields.whole("dimensions", {1, 1'000'000}));
  if (!wanted || embedding_length == 0 || *wanted == embedding_length) return ok();
  return fields.wrong("dimensions",
                      "this model gives " + std::to_string(embedding_length) + ", and no other");
}

}  // namespace

Result<CompletionRequest> parse_completion_request(const json& body, std::uint32_t vocabulary) {
  TRY(const Fields fields, Fields::of(body));
  CompletionRequest out;
  TRY(out.prompts, parse_inputs(fields, "prompt", kPromptsMax, vocabulary));
  TRY_VOID(parse_generation(fields, vocabulary, out.request));
  TRY(out.delivery, parse_delivery(fields));
  TRY(out.request.deterministic, parse_deterministic(fields));
  TRY(out.echo, fields.flag_or("echo", false));
  TRY_VOID(refuse_unsupported(fields, out.delivery.choices, out.echo,
                              out.request.top_logprobs.has_value()));
  if (out.prompts.size() * out.delivery.choices > kCompletionsMax)
    return fields.wrong("n",
                        "prompts times n must not be above " + std::to_string(kCompletionsMax));
  return out;
}

Result<EmbeddingRequest> parse_embedding_request(const json& body, std::uint32_t vocabulary,
                                                 std::uint32_t embedding_length) {
  TRY(const Fields fields, Fields::of(body));
  EmbeddingRequest out;
  TRY(auto inputs, parse_inputs(fields, "input", kEmbedInputsMax, vocabulary));
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const auto* text = std::get_if<std::string>(&inputs[i]);
    const bool only = fields.find("input")->is_string();
    if (text && text->empty())
      return field_error(only ? "input" : item("input", i), "must not be empty");
    out.inputs.push_back(std::move(inputs[i]));
  }
  TRY(const std::string encoding, fields.text_or("encoding_format", "float"));
  if (encoding != "float" && encoding != "base64")
    return fields.wrong("encoding_format", "must be float or base64");
  out.base64 = encoding == "base64";
  TRY_VOID(check_dimensions(fields, embedding_length));
  return out;
}

Result<TokenizeRequest> parse_tokenize_request(const json& body) {
  TRY(const Fields fields, Fields::of(body));
  if (fields.has("content") && fields.has("text"))
    return fields.wrong("text", "give content or text, not both");
  TokenizeRequest out;
  TRY(out.text, fields.text(fields.has("text") ? "text" : "content"));
  TRY(out.add_special, fields.flag_or("add_special", false));
  TRY(out.parse_special, fields.flag_or("parse_special", false));
  return out;
}

Result<std::vector<chat::Token>> parse_detokenize_request(const json& body,
                                                          std::uint32_t vocabulary) {
  TRY(const Fields fields, Fields::of(body));
  const json* tokens = fields.find("tokens");
  if (!tokens || !tokens->is_array())
    return fields.wrong("tokens", "an array of tokens is required");
  return parse_tokens(*tokens, "tokens", vocabulary);
}

std::string base64_floats(const std::vector<float>& values) {
  static_assert(std::endian::native == std::endian::little,
                "the wire's byte order is taken as it lies");
  static constexpr char kDigits[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const auto* bytes = reinterpret_cast<const unsigned char*>(values.data());
  const std::size_t size = values.size() * sizeof(float);
  std::string out;
  out.reserve((size + 2) / 3 * 4);
  for (std::size_t i = 0; i < size; i += 3) {
    const std::size_t left = size - i;
    const std::uint32_t group = static_cast<std::uint32_t>(bytes[i]) << 16 |
                                (left > 1 ? static_cast<std::uint32_t>(bytes[i + 1]) << 8 : 0) |
                                (left > 2 ? static_cast<std::uint32_t>(bytes[i + 2]) : 0);
    out += kDigits[group >> 18];
    out += kDigits[group >> 12 & 63];
    out += left > 1 ? kDigits[group >> 6 & 63] : '=';
    out += left > 2 ? kDigits[group & 63] : '=';
  }
  return out;
}

}  // namespace hearth::api
