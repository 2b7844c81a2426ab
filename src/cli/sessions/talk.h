#pragma once
#include <functional>
#include <string>

#include "base/call.h"
#include "base/result.h"
#include "cli/ask/daemon_client.h"
#include "cli/ask/question.h"
#include "config/config.h"

namespace hearth::cli {

/// Where an answer is shown.
struct Show {
  OnText on_text;
  /// A sentence beside the answer, for the person who waits.
  std::function<void(const std::string& note)> on_note;
};

/// Somebody who talks in sessions. Every message carries a key of its own, so that nothing is asked
/// twice: when the connection breaks before the answer is complete, and the daemon is back within
/// kDaemonBackMax, the same request is repeated once and the answer goes on where it stopped. A
/// call that is stopped cancels its own turn, which would else be made to its end, and no other of
/// the session. One thread; `config` must outlive it.
class Talk {
 public:
  Talk(DaemonClient client, const config::Config& config)
      : client_(std::move(client)), config_(config) {}

  /// Asks in `question.session`. Errors: DaemonClient::ask's.
  Result<Reply> ask(const Call& call, const std::string& model, Question question,
                    const Show& show);

  /// Answers what a turn waits for; gives the rest of the turn. Errors: DaemonClient::decide's.
  Result<Reply> decide(const Call& call, const Approval& approval, const Answer& answer,
                       const Show& show);

  const DaemonClient& client() const { return client_; }
  /// From now on the daemon is there.
  void use(DaemonClient client) { client_ = std::move(client); }

 private:
  Result<Reply> ask_again(const Call& call, const std::string& model, const Question& question,
                          std::string seen, const Show& show);
  void cancel(const Question& question) const;

  DaemonClient client_;
  const config::Config& config_;
};

/// Whether something was said in the session already, or is about to be answered: instructions
/// would come too late. False if there is none. Errors: Directory's.
Result<bool> has_begun(const Call& call, const DaemonClient& client, const std::string& session);

/// What is said to somebody whose instructions came too late.
std::string late_instructions(const std::string& session);

}  // namespace hearth::cli
