#pragma once
#include <string>
#include <vector>

#include "base/result.h"
#include "tools/files/descriptor.h"
#include "tools/workspace.h"

namespace hearth::tools {

/// What an open file (O_PATH will do) is; `spot` is left empty. Errors: NotFound (it was removed),
/// Denied (it is on /proc, /sys or the like), Unavailable.
Result<Found> look_at(const std::string& shown, int descriptor);

/// Errors: Denied: the file system is one that the kernel makes up, where reading and writing are
/// deeds.
Result<void> refuse_virtual(const std::string& shown, int descriptor);

/// The name of an open file, from the root of the file system. Errors: NotFound (it was removed),
/// Unavailable (no /proc).
Result<std::string> path_of(int descriptor);

/// A file known by an O_PATH descriptor, opened to be read.
Result<Descriptor> reopen(const std::string& shown, int descriptor);

struct NamedFile {
  std::string name;
  FileKind kind = FileKind::Other;
  std::uint64_t size_bytes = 0;
};
/// What is in a folder, by name; none of a virtual file system. Sets `is_whole` to false when it
/// leaves out what is above `count_max`.
Result<std::vector<NamedFile>> names_in(Descriptor folder, std::size_t count_max, bool& is_whole);

}  // namespace hearth::tools
