#pragma once
#include <optional>
#include <string>

#include "tools/tool.h"
#include "tools/workspace.h"

namespace hearth::tools {

/// What the tools on files have in common: their target is the argument "path", looked up.
class FileTool : public Tool {
 public:
  Result<Target> target(const Call& call, const Json& arguments, const Asker& asker) const override;

 protected:
  /// What an absent "path" means.
  virtual std::string path_if_absent() const { return "."; }
};

/// The target of a spot.
Target target_of(const Workspace& workspace, const Spot& spot);
/// The spot that was decided about. No symlink is followed from here on.
Result<Spot> spot_of(const Job& job);

// Arguments that the schema has checked.
std::string text_argument(const Json& arguments, const char* name, const char* fallback = "");
std::size_t count_argument(const Json& arguments, const char* name, std::size_t fallback);
bool flag_argument(const Json& arguments, const char* name);

}  // namespace hearth::tools
