#pragma once
#include <span>
#include <string>

#include "base/call.h"
#include "base/result.h"
#include "chat/message.h"
#include "policy/decide.h"
#include "tools/output.h"
#include "tools/registry.h"
#include "tools/tool.h"

namespace hearth::tools {

/// Under what a call stands.
struct Situation {
  Asker asker{};
  std::span<const policy::Rule> rules{};  // borrowed for the call
  policy::Moment moment{};
};

/// What became of a tool call before anything happened.
struct Checked {
  enum class Kind : std::uint8_t {
    Allowed,        // run() may follow
    NeedsApproval,  // run() may follow once a person said yes
    Denied,         // `verdict` names the rule, `problem` says so to the model
    BadArguments,   // `problem` says exactly what is wrong; the model may try again
  };
  Kind kind = Kind::BadArguments;
  bool is_malformed = true;  // BadArguments: no such tool, or not what its schema asks for
  const Registry::Entry* entry = nullptr;  // null if there is no such tool
  Json arguments{};
  Target target{};
  policy::Verdict verdict{};
  std::string preview{};  // NeedsApproval only: what a person should see
  std::string problem{};

  /// What policy decided about, for approvals and learned rules.
  policy::Action action() const;
};

/// Takes a model's tool call in two steps, so that what is about to be done can be recorded in
/// between. Any thread; the registry must outlive it.
class Runner {
 public:
  static constexpr Millis kRunMax{120'000};
  static constexpr std::size_t kPreviewBytesMax = 32 * 1024;

  explicit Runner(const Registry& registry, std::size_t output_bytes_max = kOutputBytesMax)
      : registry_(registry), output_bytes_max_(output_bytes_max) {}

  /// Reads the arguments, asks the tool what they are about and policy whether that may be. Changes
  /// nothing. Errors: Timeout, Cancelled, Unavailable; everything that the model did wrong is in
  /// Checked.
  Result<Checked> check(const Call& call, const chat::ToolCall& wanted,
                        const Situation& situation) const;

  enum class Consent : std::uint8_t { None, Given };
  /// Runs what was checked, for at most kRunMax. The target is the one that was decided about: if
  /// the arguments mean another by now, nothing happens. The text is within the output's bound.
  /// Errors: Denied (not allowed, no consent, or the target changed), those of the tool.
  Result<Outcome> run(const Call& call, const Checked& checked, const Situation& situation,
                      Consent consent = Consent::None) const;

 private:
  Result<Checked> decide(const Call& call, Checked checked, const Situation& situation) const;

  const Registry& registry_;
  const std::size_t output_bytes_max_;
};

}  // namespace hearth::tools
