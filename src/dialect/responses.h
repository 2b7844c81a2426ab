#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "dialect/exchange.h"
#include "dialect/stream.h"

/// OpenAI's Responses API, as a server. Its errors are those of api/http.
/// Source: platform.openai.com/docs/api-reference/responses, responses-streaming.
namespace hearth::dialect::responses {

/// What a request says beside what is asked.
struct Delivery {
  std::string previous_response_id{};  // empty: none
  bool store = true;
  bool background = false;
  std::string instructions{};  // also the first system message; said again in the answer
  Json metadata = Json::object();
  std::string effort{};              // reasoning.effort, which local models have not; said again
  Json format = {{"type", "text"}};  // text.format, said again
};

struct Request {
  Ask ask{};
  Delivery delivery{};
};

inline constexpr std::size_t kMetadataMax = 16;        // members
inline constexpr std::size_t kMetadataBytesMax = 512;  // of one value
inline constexpr std::size_t kResponseIdBytesMax = 128;

/// The body of POST /v1/responses. `input`: a string, or items: messages (roles user, assistant,
/// system, developer), function_call, function_call_output, reasoning. Calls that follow each other
/// are one message's. An output may answer a call of an earlier response where
/// previous_response_id is given. Strict about what changes the answer; what is not used is lost,
/// by its name there. Errors: InvalidInput, with the field.
Result<Carried<Request>> read_request(const Json& body);

/// What all objects of one answer say.
struct Header {
  std::string id{};  // "resp_…"; items are named after it
  std::string model{};
  std::int64_t created = 0;  // seconds since 1970
  Delivery delivery{};
  Ask ask{};  // the request, whose fields are said again
};

/// A whole answer: status completed, or incomplete where the tokens were used up or the provider
/// declined.
Carried<Json> write_answer(const Header& header, const Answer& answer);
/// One that was cancelled, or is still being made ("queued", "in_progress"), or failed.
Json write_state(const Header& header, std::string_view status);
Json write_failed(const Header& header, const Error& error);

/// The stream: response.created, response.in_progress, then for each item output_item.added, its
/// parts, deltas and ends, and at last response.completed, incomplete or failed; numbered.
std::unique_ptr<StreamWriter> make_stream_writer(Header header);

}  // namespace hearth::dialect::responses
