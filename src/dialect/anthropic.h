#pragma once
#include <memory>
#include <string_view>

#include "dialect/exchange.h"
#include "dialect/stream.h"

/// Anthropic's Messages API, version 2023-06-01, both ways.
/// Source: docs.anthropic.com/en/api/messages, messages-streaming, errors; the official SDKs.
namespace hearth::dialect::anthropic {

inline constexpr std::string_view kVersion = "2023-06-01";  // header anthropic-version

// As a client of a provider.

struct ClientOptions {
  std::uint32_t tokens_max = 4'096;  // `max_tokens`, which is required, where the ask has none
  /// Models since Opus 4.1 refuse top_p beside temperature; then top_p is lost.
  bool one_sampler = true;
  bool output_format = false;  // the model takes output_config.format; else a schema is lost
};

/// The body of POST /v1/messages. System messages go to `system`, wherever they stood; what answers
/// calls is gathered behind them; thoughts are left out, since unsigned ones are refused. What is
/// lost is named by the ask's own fields. Errors: InvalidInput (no conversation, no message left,
/// an image that is none, more than kCacheMarksMax marks).
Result<Carried<Json>> write_request(const Ask& ask, const ClientOptions& options = {});

/// A whole answer. Errors: Unavailable (it is none).
Result<Carried<Answer>> read_answer(const Json& body);

/// The event stream: pass on each event's `data`.
std::unique_ptr<StreamReader> make_stream_reader();

/// The error of an answer that is not 200. `body`: whatever came.
Error read_error(int status, std::string_view body);

// As a server.

/// The body of POST /v1/messages, or of its count_tokens, which has no max_tokens. Strict about
/// what changes the answer. Fields that are not used are lost, by their names there. Markers of
/// cache_control become Ask::cache_behind. Errors: InvalidInput, with the field.
enum class Endpoint : std::uint8_t { Messages, CountTokens };
Result<Carried<Ask>> read_request(const Json& body, Endpoint endpoint = Endpoint::Messages);

/// Whether an assistant's reasoning is shown as thinking blocks, with an empty signature.
enum class Thinking : std::uint8_t { Shown, Dropped };

Carried<Json> write_answer(const Answer& answer, Thinking thinking = Thinking::Shown);
/// {"input_tokens": n}, of count_tokens.
Json write_count(std::uint32_t tokens);

/// `id` ("msg_…") and `model` are said at the beginning.
std::unique_ptr<StreamWriter> make_stream_writer(std::string id, std::string model,
                                                 Thinking thinking = Thinking::Shown);
/// Keeps a connection alive; belongs anywhere in the stream.
Frame ping();

/// The status and the body of an error: InvalidInput 400, Denied 403, NotFound 404, TooLarge 413,
/// Busy 429, Timeout 504, Unavailable 529, all else 500.
int status_of(const Error& error);
Json write_error(const Error& error);
/// The same for errors that only HTTP has (401, 405, …).
Json write_error(int status, std::string_view message);

}  // namespace hearth::dialect::anthropic
