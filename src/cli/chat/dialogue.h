#pragma once
#include <string>
#include <vector>

#include "base/call.h"
#include "base/result.h"
#include "cli/approvals/approval.h"
#include "cli/ask/daemon_client.h"
#include "cli/ask/question.h"
#include "cli/sessions/talk.h"

namespace hearth::cli {

/// What a chat on the terminal talks with. One thread.
class Dialogue {
 public:
  virtual ~Dialogue() = default;

  /// One message and its answer. Errors: DaemonClient::ask's.
  virtual Result<Reply> ask(const Call& call, const std::string& text, const Show& show) = 0;
  /// Begins anew; gives what to tell the person. Errors: net::fetch's.
  virtual Result<std::string> clear(const Call& call) = 0;

  /// Whether this is remembered, in one sentence.
  virtual std::string about() const = 0;
  /// What /clear does, in a few words.
  virtual std::string about_clear() const = 0;
  /// What was said last in a conversation that goes on; nothing when it cannot be had.
  virtual std::vector<std::string> recall(const Call&) const { return {}; }

  /// Whether the model may use the daemon's tools here.
  virtual bool has_tools() const { return false; }
  /// What waits here for the person's decision, oldest first. Errors: Directory's.
  virtual Result<std::vector<Approval>> waiting(const Call&) { return std::vector<Approval>(); }
  /// Answers it; gives the rest of the turn. Errors: DaemonClient::decide's.
  virtual Result<Reply> decide(const Call&, const Approval&, const Answer&, const Show&) {
    return Error{Code::Internal, "nothing waits here"};
  }

  virtual const DaemonClient& client() const = 0;
};

}  // namespace hearth::cli
