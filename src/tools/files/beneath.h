#pragma once
#include <cstdint>
#include <string>

#include "base/call.h"
#include "base/result.h"
#include "tools/files/descriptor.h"

namespace hearth::tools {

enum class Links : std::uint8_t { Followed, Refused };

/// How paths below a folder are opened.
struct Beneath {
  int folder = -1;              // descriptor; borrowed
  bool kernel_resolves = true;  // false: as if the kernel had no openat2
};

/// Opens `path`, relative and without "..", below a folder and nowhere else: the kernel follows
/// symlinks only as long as they stay there (or not at all), and no magic link of /proc. Where the
/// kernel has no openat2 each part is opened on its own and no symlink is followed. A descriptor,
/// or the negative errno: -EXDEV (leads out), -ELOOP (a symlink that is not followed), and
/// open()'s. Source: openat2(2), Linux 5.6.
int open_beneath(const Beneath& where, const std::string& path, int flags, Links links);

/// The sentence for an errno of a path. Errors: NotFound, Denied (leads out, no permission),
/// TooLarge (name, disk or file size), Unavailable.
Error file_error(const std::string& path, int number);

/// Errors: Cancelled, Timeout.
Result<void> still_wanted(const Call& call);

}  // namespace hearth::tools
