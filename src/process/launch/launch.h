#pragma once
#include <sys/types.h>

#include "base/result.h"
#include "process/child.h"

namespace hearth::process {

/// Forks and executes what `options` say, with `their_socket` as descriptor 3 of the new program.
/// Blocks until the program runs or could not be started; `their_socket` stays open here. The new
/// process gets SIGKILL when the calling *thread* ends: call it from one that outlives the child.
/// The calling thread must have all signals blocked. Errors: Unavailable.
Result<pid_t> launch(const SpawnOptions& options, int their_socket);

}  // namespace hearth::process
