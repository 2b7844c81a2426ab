#pragma once
#include <string>

namespace hearth::process {

/// The path under which this program can be started again: /proc/self/exe or, where /proc is
/// missing (an empty chroot), the path that the kernel says we were started by. Any thread.
std::string own_executable();

}  // namespace hearth::process
