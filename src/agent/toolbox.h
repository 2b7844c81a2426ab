#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/tool_calls.h"
#include "base/call.h"
#include "base/result.h"
#include "base/time_source.h"
#include "chat/generation.h"
#include "chat/message.h"
#include "policy/rule.h"
#include "policy/scope.h"
#include "store/approvals.h"
#include "store/rules.h"
#include "store/store.h"
#include "tools/registry.h"
#include "tools/runner.h"
#include "tools/workspace.h"

namespace hearth::agent {

/// Hearth's own tools, as turns use them: what they may do is decided and recorded, and written
/// down before it is done. Any thread; what it borrows must outlive it.
class Toolbox final : public ToolCalls {
 public:
  struct Parts {
    store::Store& store;
    const TimeSource& time;
    const tools::Registry& registry;
    const tools::Workspace* workspace = nullptr;            // null: no file is open to tools
    std::vector<policy::Rule> rules{};                      // as configured
    bool plan_mode = false;                                 // look, but change nothing
    std::size_t output_bytes_max = tools::kOutputBytesMax;  // of what one call says
    Millis approval_timeout{600'000};                       // a question that nobody answers
  };
  explicit Toolbox(Parts parts);

  /// What the model may call.
  const std::vector<chat::Tool>& offered() const { return offered_; }
  bool has(std::string_view name) const override { return parts_.registry.find(name) != nullptr; }
  Result<Outcome> act(const Call& call, const Place& place,
                      const chat::ToolCall& wanted) const override;

  /// A person's answer.
  struct Answer {
    store::Verdict verdict;
    policy::Breadth breadth = policy::Breadth::This;  // of what is learned
    std::optional<Millis> holds{};                    // what is learned; absent: for good
  };
  /// What waits for an owner's answer, oldest first, as the rules in force see it now. Errors:
  /// those of the store, Timeout, Cancelled.
  Result<std::vector<chat::Question>> waiting(const Call& call, const std::string& owner) const;
  /// Decides what a person was asked; with a scope beyond Once, the answer is learned as a rule. A
  /// path is learned from the root of the file system: the workspace may be another one tomorrow.
  /// Errors: InvalidInput (`scope`, `pattern`: such a rule would change nothing; `expires`: an
  /// answer that holds once has no end), those of store::Approvals::decide().
  Result<store::Approval> decide(const Call& call, const std::string& owner, const std::string& id,
                                 const Answer& answer) const;

  /// A tool, for people.
  struct Facts {
    std::string name, description;
    policy::Effect effect = policy::Effect::Reads;
    policy::Decision decision = policy::Decision::Deny;  // unless a rule speaks of its target
    bool has_rules = false;  // configured ones that speak of some of its targets
  };
  std::vector<Facts> facts() const;

 private:
  using Checked = tools::Checked;
  tools::Situation situation(const Place& place, const std::vector<policy::Rule>& rules) const;
  Result<chat::Question> question(const Call& call, const store::Approval& approval) const;
  Result<std::optional<std::string>> made_before(const Call& call, const Place& place,
                                                 const chat::ToolCall& wanted) const;
  Result<std::vector<policy::Rule>> rules_for(const Call& call, const Place& place) const;
  Result<store::Rule> rule_from(const Call& call, const store::Approval& asked,
                                const Answer& answer) const;
  Result<void> record(const Call& call, const Place& place, const Checked& checked) const;
  Result<Outcome> ask(const Call& call, const Place& place, const chat::ToolCall& wanted,
                      const Checked& checked, const tools::Situation& situation) const;
  Result<Outcome> run(const Call& call, const Place& place, const chat::ToolCall& wanted,
                      const Checked& checked, const tools::Situation& situation,
                      tools::Runner::Consent consent) const;

  const Parts parts_;
  const tools::Runner runner_;
  const std::vector<chat::Tool> offered_;
};

}  // namespace hearth::agent
