#pragma once
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "api/run/choice.h"
#include "chat/message.h"

/// The JSON shapes of answers, exactly as the OpenAI SDKs expect them. Pure; no threads, no I/O.
/// Source: platform.openai.com/docs/api-reference (chat, completions), llama-server for `timings`.
namespace hearth::api {

using Json = nlohmann::ordered_json;

/// What all parts of one answer share.
struct Header {
  std::string id;            // "chatcmpl-…"
  std::int64_t created = 0;  // seconds since 1970
  std::string model;
  std::string fingerprint;  // "fp_…"; empty is null on the wire
  bool include_usage = false;
  std::string session_id{};  // of an answer in a session; empty: no field
};

/// How one endpoint writes its answers.
class Form {
 public:
  explicit Form(Header header) : header_(std::move(header)) {}
  virtual ~Form() = default;

  /// The chunk that comes before a choice's first delta; nullopt if there is none.
  virtual std::optional<Json> opening(const Choice& choice, const chat::Delta* first) const = 0;
  /// `choice` as it was before this delta.
  virtual Json chunk(const Choice& choice, const chat::Delta& delta) const = 0;
  /// The chunk with the finish_reason.
  virtual Json closing(const Choice& choice) const = 0;
  virtual Json whole(const std::vector<Choice>& choices) const = 0;

  /// The chunk with no choice and the usage of all.
  Json usage_chunk(const std::vector<Choice>& choices) const;
  bool include_usage() const { return header_.include_usage; }
  /// Another than the one that was named, known before the first chunk.
  void answered_by(const std::string& model) { header_.model = model; }

 protected:
  Json envelope(const char* object, Json choices) const;
  Json chunk_envelope(Json choice) const;
  /// What was promised for these: "deterministic": true; "loosened", what of the request's schemas
  /// was not enforced, and "violations", what they break of it.
  static void say_promises(Json& out, std::span<const Choice> choices);
  virtual const char* chunk_object() const = 0;

 private:
  Header header_;
};

std::unique_ptr<Form> make_chat_form(Header header);
std::unique_ptr<Form> make_text_form(Header header);

/// A whole tool call of a message.
Json call_json(const chat::ToolCall& call);
/// Why a model was chosen.
Json route_json(const chat::Route& route);
/// What somebody has to decide before the answer goes on: the call, where it was asked, the scopes
/// that an answer may have, and the patterns that it would be learned with.
Json question_json(const chat::Question& question);
Json questions_json(const std::vector<chat::Question>& questions);
Json usage_json(const std::vector<Choice>& choices);
/// llama-server's `timings` of one finished choice.
Json timings_json(const chat::Finished& finished);

/// JSON text; bytes that are no UTF-8 are replaced.
std::string dump(const Json& value);
/// One Server-Sent Event.
std::string sse_event(const Json& value);

}  // namespace hearth::api
