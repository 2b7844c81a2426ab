#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dialect/exchange.h"
#include "dialect/stream.h"

/// Ollama's API, as a server.
/// Source: github.com/ollama/ollama/blob/main/docs/api.md, and its api/types.go.
namespace hearth::dialect::ollama {

enum class Endpoint : std::uint8_t { Chat, Generate };  // /api/chat, /api/generate

struct Request {
  Ask ask{};  // streams unless `stream` says no; of generate with `raw`: its prompt is a PlainText
  /// How long the model stays loaded; negative: for ever; absent: as configured.
  std::optional<std::int64_t> keep_alive_s{};
  /// There is nothing to answer: the model is to be loaded, or with a keep_alive of 0 unloaded.
  bool is_load = false;
};

inline constexpr std::int64_t kKeepAliveMaxSeconds = 10LL * 365 * 24 * 3'600;
inline constexpr std::size_t kEmbedInputsMax = 2'048;

/// The body of POST /api/chat or /api/generate. Calls have no ids in older clients: they get
/// "call_0", ... in their order, and results are theirs by name, then by order. What is not used
/// (num_ctx and other options of the runner, context, think) is lost, by its name there. Errors:
/// InvalidInput, with the field.
Result<Carried<Request>> read_request(const Json& body, Endpoint endpoint);

/// What all objects of one answer say.
struct Header {
  std::string model{};
  std::int64_t created_ms = 0;  // since 1970, UTC
  double load_ms = 0;           // what loading the model took of it
};

/// A whole answer; durations in ns, as they are there.
Carried<Json> write_answer(const Header& header, const Answer& answer, Endpoint endpoint);
/// To a request that only loads or unloads: done_reason "load" or "unload".
Json write_loaded(const Header& header, bool is_loaded, Endpoint endpoint);
/// Lines of JSON (line_text); calls are sent whole.
std::unique_ptr<StreamWriter> make_stream_writer(Header header, Endpoint endpoint);

/// {"error": "…"}, and its status: InvalidInput and TooLarge 400, Denied 403, NotFound 404, Busy
/// and Unavailable 503, all else 500.
Json write_error(const Error& error);
int status_of(const Error& error);

/// A model, as lists and details show it.
struct Model {
  std::string name{};
  std::int64_t modified_ms = 0;  // since 1970, UTC
  std::uint64_t size_bytes = 0;
  std::string digest{};                     // SHA-256 in hex
  std::string family{};                     // "llama"
  std::string parameter_size{};             // "1.1B"
  std::string quantization{};               // "Q4_0"
  std::string chat_template{};              // of /api/show
  std::uint32_t context_tokens = 0;         // of /api/show
  std::vector<std::string> capabilities{};  // "completion", "tools", "embedding", …
  std::int64_t expires_ms = 0;              // of /api/ps: when it leaves memory
};
Json write_tags(const std::vector<Model>& models);
/// Of /api/ps: those in memory.
Json write_running(const std::vector<Model>& models);
Json write_show(const Model& model);
/// `model`, or `name` as it was called before, of POST /api/show. Errors: InvalidInput.
Result<std::string> read_show(const Json& body);
Json write_version(const std::string& version);

struct EmbedRequest {
  std::string model{};
  std::vector<std::string> inputs{};
  bool truncate = true;
  std::optional<std::int64_t> keep_alive_s{};
};
/// The body of POST /api/embed. Errors: InvalidInput, with the field.
Result<Carried<EmbedRequest>> read_embed(const Json& body);
/// The body of POST /api/embeddings, the older way: one text, `prompt`. Errors: InvalidInput.
Result<Carried<EmbedRequest>> read_embeddings(const Json& body);
Json write_embed(const Header& header, const std::vector<std::vector<float>>& embeddings,
                 std::uint32_t prompt_tokens, double total_ms);
/// {"embedding": […]}, of /api/embeddings.
Json write_embeddings(const std::vector<float>& embedding);

/// "2026-01-31T12:00:00.000Z". Source: RFC 3339.
std::string time_text(std::int64_t ms);

}  // namespace hearth::dialect::ollama
