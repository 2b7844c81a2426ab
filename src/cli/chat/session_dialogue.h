#pragma once
#include <sys/types.h>

#include <string>
#include <vector>

#include "cli/chat/dialogue.h"
#include "cli/context.h"
#include "cli/sessions/talk.h"

namespace hearth::cli {

/// A conversation in a session of the daemon's, which remembers it. A daemon that died between two
/// messages is started again. Borrows the context and the settings.
class SessionDialogue final : public Dialogue {
 public:
  struct Start {
    std::string session;   // its name, or its id if it has none
    std::string system{};  // instructions, for a session that has not begun
    bool has_begun = false;
    std::string model{};  // that is asked for; empty: the daemon's default one
  };
  SessionDialogue(const Context& context, const config::Loaded& loaded, DaemonClient client,
                  Start start);

  Result<Reply> ask(const Call& call, const std::string& text, const Show& show) override;
  /// A new session, with the next free name.
  Result<std::string> clear(const Call& call) override;
  std::string about() const override;
  std::string about_clear() const override { return "begin a new session"; }
  std::vector<std::string> recall(const Call& call) const override;
  bool has_tools() const override { return true; }
  Result<std::vector<Approval>> waiting(const Call& call) override;
  Result<Reply> decide(const Call& call, const Approval& approval, const Answer& answer,
                       const Show& show) override;
  const DaemonClient& client() const override { return talk_.client(); }

 private:
  Result<void> connect(const Call& call);

  const Context& context_;
  const config::Loaded& loaded_;
  Talk talk_;
  pid_t pid_ = 0;  // of the daemon that talk_ knows
  const std::string wanted_;
  std::string model_{};  // that is asked
  std::string session_;
  const std::string system_;
  bool has_begun_;
};

/// The session that `--continue` means: the one used last, or else a new one. Errors: Directory's.
Result<std::string> session_to_continue(const Call& call, const DaemonClient& client);
/// A name that no session has: "chat", "chat-2", … Errors: Directory's.
Result<std::string> new_session(const Call& call, const DaemonClient& client);

}  // namespace hearth::cli
