#include "tools/builtin/file_tool.h"

namespace hearth::tools {

Target target_of(const Workspace& workspace, const Spot& spot) {
  return {.text = workspace.shown(spot),
          .full = workspace.absolute(spot),
          .place = policy::Place::Workspace};
}

Result<Target> FileTool::target(const Call& call, const Json& arguments, const Asker& asker) const {
  TRY_VOID(still_wanted(call));
  if (!asker.workspace)
    return Error{Code::Denied, "path: no folder is open to tools; set tools.workspace", "path"};
  const std::string path = text_argument(arguments, "path", path_if_absent().c_str());
  TRY(const Found found, asker.workspace->find(path));
  return target_of(*asker.workspace, found.spot);
}

Result<Spot> spot_of(const Job& job) {
  if (!job.asker.workspace) return Error{Code::Denied, "path: no folder is open to tools", "path"};
  return job.asker.workspace->locate(job.target.text);
}

std::string text_argument(const Json& arguments, const char* name, const char* fallback) {
  const auto found = arguments.find(name);
  return found == arguments.end() ? fallback : found->get<std::string>();
}

std::size_t count_argument(const Json& arguments, const char* name, std::size_t fallback) {
  const auto found = arguments.find(name);
  return found == arguments.end() ? fallback : found->get<std::size_t>();
}

bool flag_argument(const Json& arguments, const char* name) {
  const auto found = arguments.find(name);
  return found != arguments.end() && found->get<bool>();
}

}  // namespace hearth::tools
