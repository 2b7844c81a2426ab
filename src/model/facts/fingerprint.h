#pragma once
#include <stop_token>
#include <string>

#include "base/result.h"

namespace hearth::model::facts {

/// The SHA-256 of the model at `path` ("" for the one inside this binary) as 64 hex digits; "" if
/// it cannot be read or `stop` came first. A file's hash is remembered in `facts_file` ("": not) by
/// path, size, time of change and inode, so that a large file is read once; for that the calling
/// thread's priority is lowered, for good.
std::string find_fingerprint(const std::stop_token& stop, const std::string& path,
                             const std::string& facts_file);

/// Reads and hashes a whole file. Errors: NotFound, Unavailable (says why), Cancelled.
Result<std::string> hash_file(const std::stop_token& stop, const std::string& path);

}  // namespace hearth::model::facts
