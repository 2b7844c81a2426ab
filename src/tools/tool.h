#pragma once
#include <functional>
#include <string>

#include "base/call.h"
#include "base/fields.h"
#include "base/result.h"
#include "policy/rule.h"

namespace hearth::tools {

class Workspace;

/// What a call is about, with no second spelling: what policy decides about and the tool then
/// touches.
struct Target {
  std::string text{};  // a path from the first root of the workspace, a host, a command
  std::string full{};  // a path from the root of the file system; empty: there is none
  policy::Place place = policy::Place::Elsewhere;
};

/// For whom a tool works.
struct Asker {
  std::string owner{};                   // whose memory
  const Workspace* workspace = nullptr;  // what is open to tools; outlives the call
};

/// One run of a tool.
struct Job {
  const Json& arguments;  // checked against parameters()
  const Target& target;   // as target() gave it and policy decided about it
  const Asker& asker;
  /// Whether the rules are no stricter about the same tool at another target; for tools that look
  /// at many.
  std::function<bool(const Target&)> is_allowed;
};

/// What a tool says.
struct Outcome {
  std::string text{};
};

/// Something that a model may ask for. Any thread, several calls at a time.
class Tool {
 public:
  virtual ~Tool() = default;

  virtual std::string name() const = 0;         // [a-zA-Z0-9_-]{1,64}
  virtual std::string description() const = 0;  // one line
  virtual std::string parameters() const = 0;   // JSON Schema of an object, as JSON text
  virtual policy::Effect effect() const = 0;

  /// What a call is about. Looks, but changes nothing. Errors: Denied (it is out of bounds whatever
  /// the rules say), others with the argument's name as `field`.
  virtual Result<Target> target(const Call& call, const Json& arguments,
                                const Asker& asker) const = 0;
  /// What a person is shown before a yes: the changes as a unified diff, say; may be empty. Changes
  /// nothing. Errors: those that run() would end with anyhow.
  virtual Result<std::string> preview(const Call& call, const Job& job) const;
  /// Does it. Errors: any; the sentence is for the model.
  virtual Result<Outcome> run(const Call& call, const Job& job) const = 0;
};

}  // namespace hearth::tools
