#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "dialect/exchange.h"
#include "dialect/stream.h"

/// Gemini's generateContent, as a client. The model's name and whether it streams stand in the path
/// there (models/M:generateContent, models/M:streamGenerateContent?alt=sse), not in the body; the
/// key belongs into the header x-goog-api-key, never into the URL.
/// Source: ai.google.dev/api/generate-content, ai.google.dev/api/caching#Schema.
namespace hearth::dialect::gemini {

struct Options {
  std::size_t stops_max = 5;
  bool penalties = true;  // the model takes presencePenalty and frequencyPenalty
  bool seed = true;
  /// Models from 3 on refuse an earlier call that does not carry the signature they gave it. Hearth
  /// keeps none; this sends the word that their documentation has for calls of other models.
  bool signs_calls = true;
};

/// The body. System messages go to systemInstruction, wherever they stood; what answers calls
/// follows them at once, by the function's name. What is lost is named by the ask's own fields, and
/// by the place in a schema: "tools[0].parameters.properties.a.$ref". Errors: InvalidInput (no
/// conversation, no message left, an image that is none).
Result<Carried<Json>> write_request(const Ask& ask, const Options& options = {});

/// A whole answer; of several candidates the first. Calls have no ids there: they get "BASE_0",
/// ... Errors: Unavailable (it is none, or the model wrote a call that is none).
Result<Carried<Answer>> read_answer(const Json& body, const std::string& id_base);

/// The stream of alt=sse: pass on each event's `data`.
std::unique_ptr<StreamReader> make_stream_reader(std::string id_base);

/// The error of an answer that is not 200. `body`: whatever came. A key that is not accepted is
/// Denied, though it comes as 400.
Error read_error(int status, std::string_view body);

/// A JSON Schema as Gemini takes it: what it refuses is taken out or said in its own way, and
/// named. `path` is where the schema stands.
Json schema_subset(const Json& schema, const std::string& path, Lost& lost);

}  // namespace hearth::dialect::gemini
