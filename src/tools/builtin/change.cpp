#include "tools/builtin/change.h"

#include "tools/builtin/diff.h"
#include "tools/builtin/make.h"
#include "tools/output.h"

namespace hearth::tools {

Result<FileChange> change_at(const Call& call, const Job& job) {
  const Workspace& workspace = *job.asker.workspace;
  TRY(const Spot spot, spot_of(job));
  TRY(const Found found, workspace.look(spot));
  FileChange change{.spot = spot};
  if (found.kind == FileKind::Absent) return change;
  TRY(change.before, workspace.read(call, spot, kFileBytesMax));
  change.mode = found.mode;
  return change;
}

std::string preview_of(const Workspace& workspace, const FileChange& change) {
  const std::string name = workspace.shown(change.spot);
  const std::string before = change.before.value_or("");
  if (is_binary(before) || is_binary(change.after))
    return path_text(name) + ": binary, " + std::to_string(before.size()) + " bytes become " +
           std::to_string(change.after.size());
  const std::string head = change.before ? "" : "new file " + path_text(name) + "\n";
  const std::string diff = unified_diff(name, before, change.after);
  return head + (diff.empty() && change.before ? path_text(name) + ": no change\n" : diff);
}

Result<void> apply(const Call& call, const Workspace& workspace, Undo& undo,
                   const FileChange& change) {
  const Undo::Change kept{.path = workspace.absolute(change.spot),
                          .before = change.before,
                          .mode = change.mode,
                          .after = change.after};
  TRY(const std::uint64_t number, undo.keep(call, kept));
  auto written = workspace.write(call, change.spot, change.after, change.mode);
  if (!written.ok()) undo.drop(number);
  return written;
}

}  // namespace hearth::tools
