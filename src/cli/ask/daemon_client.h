#pragma once
#include <nlohmann/json.hpp>
#include <string>

#include "app/daemon.h"
#include "base/call.h"
#include "base/result.h"
#include "cli/ask/question.h"
#include "config/config.h"
#include "net/client.h"

namespace hearth::cli {

/// A running daemon, as one of its clients. Any thread.
class DaemonClient {
 public:
  /// `config` is where the bearer token is taken from, if there is one.
  DaemonClient(const app::DaemonInfo& daemon, const config::Config& config);

  /// The answer's status and body, whatever the status. Errors: net::fetch's.
  Result<net::Response> get(const Call& call, const std::string& target) const;
  /// The body of a 2xx answer as JSON. Errors: net::fetch's, and that of an error answer.
  Result<nlohmann::json> get_json(const Call& call, const std::string& target) const;
  /// The same for any method, with as much time as the call has; `body` is JSON text, or empty.
  Result<nlohmann::ordered_json> send(const Call& call, const std::string& method,
                                      const std::string& target,
                                      const std::string& body = "") const;

  /// What the daemon offers, the first of /v1/models.
  struct Offer {
    std::string name;
    std::uint64_t context_tokens = 0;
  };
  Result<Offer> offer(const Call& call) const;

  /// Streams one answer; with a session, in it. Errors: net::fetch's; TooLarge with field
  /// "messages" when the conversation does not fit the context; else the code that suits the
  /// daemon's answer, with its sentence.
  Result<Reply> ask(const Call& call, const std::string& model, const Question& question,
                    const OnText& on_text) const;

  /// Answers what a turn waits for, and streams the rest of the turn. Errors: as ask().
  Result<Reply> decide(const Call& call, const std::string& approval_id, const Answer& answer,
                       const OnText& on_text) const;

  /// What is missing before questions are answered, empty when nothing is. Errors: net::fetch's.
  Result<std::string> missing(const Call& call) const;

 private:
  net::ClientRequest request(const std::string& method, const std::string& target) const;
  static Result<Reply> stream(const Call& call, const net::ClientRequest& post,
                              const OnText& on_text);

  std::string host_;
  std::uint16_t port_;
  std::string token_;
};

/// Waits until the daemon answers questions, with a progress line. Errors: Timeout, Cancelled (both
/// say what was missing), net::fetch's.
Result<void> wait_until_ready(const Call& call, const DaemonClient& daemon);

/// How long a daemon may be away before it counts as gone.
inline constexpr Millis kDaemonBackMax{5'000};

/// Waits until the daemon of the data directory answers questions again, with a progress line: one
/// that is stopping, starting or loading its model is waited for, one that is away for
/// kDaemonBackMax is not. It may be another process at another port. Errors: Unavailable (gone),
/// Timeout, Cancelled.
Result<DaemonClient> wait_until_back(const Call& call, const config::Config& config);

}  // namespace hearth::cli
