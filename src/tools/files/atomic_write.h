#pragma once
#include <sys/types.h>

#include <string>
#include <string_view>

#include "base/call.h"
#include "base/result.h"

namespace hearth::tools {

/// A name in an open folder, and how it is shown in errors.
struct FileName {
  int folder = -1;  // borrowed
  std::string name;
  std::string shown;
};

/// How the names of files begin that are being written.
inline constexpr const char* kBesidePrefix = ".hearth-";

/// Writes a file beside, waits until the disk has it, and renames it to its name: whoever looks
/// sees the old bytes or the new ones. Nothing is left behind when it fails, nor, where the file
/// system and /proc allow it, when the process is killed while it writes. Errors: TooLarge (disk
/// full, size limit), Denied, Cancelled, Timeout, Unavailable.
Result<void> write_atomically(const Call& call, const FileName& target, std::string_view bytes,
                              mode_t mode);

}  // namespace hearth::tools
