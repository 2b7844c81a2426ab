#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/sessions.h"
#include "api/grpc_server.h"
#include "base/time_source.h"
#include "config/config.h"
#include "metrics/metrics.h"
#include "model/cashier.h"
#include "model/model.h"
#include "model/router.h"
#include "model/uses.h"
#include "net/http.h"

namespace hearth::api {

/// The models that requests may name; the first is used when they name none.
struct Models {
  std::vector<model::Model*> all{};       // outlive the Api
  const model::Router* router = nullptr;  // likewise; null: "auto" and its like are no names
  /// Those that are not listed, by name; may be empty. Any thread.
  std::function<model::Model*(std::string_view)> others{};

  /// The one of this name, or what the router has under it, or one of the others; the first for "";
  /// or nullptr.
  model::Model* find(std::string_view name) const;
  /// "ember, strong", for people; "none".
  std::string names() const;
  /// "operational", "tactical" or "strategic"; empty: it stands for a choice.
  std::string level_of(const model::Model& model) const;
};

/// What the API is made from. References and models must outlive it.
struct Parts {
  Models models;
  const config::Config& config;
  std::string device_id;  // 64 hex digits, shown in /health
  metrics::Registry& registry;
  const TimeSource& time;
  /// Conversations that are remembered, and the store that they are in; null: there are none, and
  /// requests that name one are refused.
  agent::Sessions* sessions = nullptr;
  store::Store* store = nullptr;
  /// Where providers are paid; null: there is nobody to be paid.
  model::Cashier* cashier = nullptr;
  /// What the models were used for; null: it is not known.
  const model::Uses* uses = nullptr;
  /// True once the daemon is stopping: new work gets 503, running answers go on. Any thread, must
  /// not block.
  std::function<bool()> draining{};
  /// What is missing before a request would be answered, a sentence each, beside the models' own
  /// states; empty when nothing is. Any thread, must not block.
  std::function<std::vector<std::string>()> missing{};
};

/// What a message of a session asks of its model, as stored with it (agent::Parts::read_request).
/// `owner` is whose it is. Any thread. Errors: InvalidInput.
Result<chat::Request> read_session_request(std::string_view request, const std::string& owner);

/// The HTTP API: OpenAI's endpoints with its Responses, Anthropic's Messages, Ollama's /api/…,
/// /v1/sessions, /tokenize, /detokenize, /health, /health/ready, /metrics. Translates between JSON
/// and chat's plain structs and decides nothing.
///
/// Threads: handlers run on the server's workers and return at once; answers are written from the
/// models' threads; four own threads make blocking model calls, one cancels and frees generations,
/// one keeps what programs come back to.
/// Lifetime: build after the models and before the server; destroy after the server. The destructor
/// does what end_answers() does and waits for it.
class Api {
 public:
  explicit Api(Parts parts);
  ~Api();

  /// What an earlier process left undone has failed. Call once, before the server starts. Errors:
  /// those of the store.
  Result<void> recover(const Call& call);

  /// For net::Server::start. Borrows this.
  net::Handler handler();

  /// For net::ServerOptions::at_once: health checks, which no busy worker may hold up. Borrows
  /// this.
  std::function<std::optional<net::Response>(const net::Request&)> at_once();

  /// Opens the gRPC face as [grpc] of the configuration says. It ends before this does. Errors:
  /// Unavailable (the port is taken, the address is not this machine's), NotFound, InvalidInput and
  /// Unavailable of the certificate and key ("grpc.tls_cert", "grpc.tls_key").
  Result<std::unique_ptr<GrpcServer>> open_grpc();

  /// For net::ServerOptions::error_body: the error envelope of the dialect at `path`.
  static std::string error_body(int status, const std::string& message, const std::string& field,
                                const std::string& path);

  /// Answers that a model is working on now, or that wait for it.
  std::size_t answers() const;
  /// Gives up on every generating answer: its client gets an error that says that the daemon is
  /// stopping, its generation is cancelled. Returns at once; answers() tells when it is done.
  void end_answers();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hearth::api
