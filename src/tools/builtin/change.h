#pragma once
#include <optional>
#include <string>

#include "tools/builtin/file_tool.h"
#include "tools/undo.h"

namespace hearth::tools {

/// What a file is to become.
struct FileChange {
  Spot spot{};
  std::optional<std::string> before{};  // absent: there is no file yet
  mode_t mode = 0644;
  std::string after{};
};

/// Reads what is there now. Errors: those of Workspace; TooLarge (above kFileBytesMax: it could not
/// be kept for undo).
Result<FileChange> change_at(const Call& call, const Job& job);

/// The diff of it, or what it is where a diff says nothing.
std::string preview_of(const Workspace& workspace, const FileChange& change);

/// Keeps the old version for undo, then puts the new one in its place.
Result<void> apply(const Call& call, const Workspace& workspace, Undo& undo,
                   const FileChange& change);

}  // namespace hearth::tools
