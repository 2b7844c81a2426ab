#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "dialect/exchange.h"
#include "dialect/stream.h"

/// Chat Completions, as a client of OpenAI and of servers that are like it. The server face is
/// api/openai, and a test there holds the two together.
/// Source: platform.openai.com/docs/api-reference/chat; the documentation of each server named.
namespace hearth::dialect::openai {

/// What servers take differently. The defaults are OpenAI's own.
struct Options {
  /// The older name is all that many servers know; OpenAI's reasoning models refuse it.
  enum class TokensField : std::uint8_t { MaxCompletionTokens, MaxTokens };
  TokensField tokens_field = TokensField::MaxCompletionTokens;
  bool stream_options = true;  // the server takes stream_options and then sends the usage
  bool sampling = true;        // temperature, top_p, penalties; OpenAI's reasoning models take none
  /// top_k, min_p, typical_p, repeat_penalty and grammar, as llama-server takes them.
  bool local_sampling = false;
  bool penalties = true;            // presence_penalty and frequency_penalty
  std::string_view seed = "seed";   // the field's name; empty: there is none
  bool parallel_tool_calls = true;  // the server takes the field
  bool speaker_names = true;        // the server takes `name` of a message
  bool images = true;               // its models see
  bool image_urls = true;           // ... also what it has to fetch
  bool json_schema = true;          // response_format takes json_schema, not only json_object
  bool sends_reasoning = false;     // earlier thoughts go back as reasoning_content
  bool short_call_ids = false;      // ids of calls are 9 letters and digits
  std::size_t stops_max = 4;
};

/// The options of "openai", "xai", "mistral", "groq", "openrouter" and "llama-server"; of any other
/// name those that most compatible servers understand.
Options options_of(std::string_view server);

/// The body of POST /v1/chat/completions. The tail of a conversation ends its last user message.
/// What is lost is named by the ask's own fields. Errors: InvalidInput (no conversation, an image
/// that is none).
Result<Carried<Json>> write_request(const Ask& ask, const Options& options = {});

/// A whole answer; of several choices the first. `id_base`: calls that came without an id get
/// "BASE_0", ... Errors: Unavailable (it is none).
Result<Carried<Answer>> read_answer(const Json& body, const std::string& id_base);

/// The stream of chat.completion.chunk: pass on each event's `data`, "[DONE]" too.
std::unique_ptr<StreamReader> make_stream_reader(std::string id_base);

/// The error of an answer that is not 200. `body`: whatever came. A prompt that is too long is
/// TooLarge, a quota that is used up Denied.
Error read_error(int status, std::string_view body);

}  // namespace hearth::dialect::openai
