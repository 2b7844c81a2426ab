#pragma once
#include <string>

#include "cli/ask/conversation.h"
#include "cli/ask/daemon_client.h"
#include "cli/chat/dialogue.h"

namespace hearth::cli {

/// A conversation that this program holds, and that is gone with it.
class PassingDialogue final : public Dialogue {
 public:
  PassingDialogue(DaemonClient client, std::string model, const std::string& system)
      : client_(std::move(client)), model_(std::move(model)), conversation_(system) {}

  /// While the conversation does not fit the context, its oldest turn is forgotten.
  Result<Reply> ask(const Call& call, const std::string& text, const Show& show) override;
  Result<std::string> clear(const Call& call) override;
  std::string about() const override;
  std::string about_clear() const override { return "forget what was said"; }
  const DaemonClient& client() const override { return client_; }

 private:
  Result<Reply> ask_until_it_fits(const Call& call, const Show& show);

  const DaemonClient client_;
  const std::string model_;
  Conversation conversation_;
};

}  // namespace hearth::cli
