#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"

namespace hearth::model::facts {

/// What tells one content of a file from another without reading it.
struct FileIdentity {
  std::string path;
  std::uint64_t size_bytes = 0;
  std::int64_t changed_ns = 0;  // since 1970
  std::uint64_t inode = 0;
  bool operator==(const FileIdentity&) const = default;
};

inline constexpr std::size_t kRememberedMax = 64;               // files; the oldest entry goes
inline constexpr std::size_t kFactsFileBytesMax = 1024 * 1024;  // a larger one is taken for damaged

/// The remembered hash of exactly this file; nothing if unknown, or if `facts_file` is "" or
/// damaged.
std::optional<std::string> recall(const std::string& facts_file, const FileIdentity& file);

/// Remembers a hash: the whole facts file is written beside itself, synced and moved into place, so
/// that a reader sees the old or the new one. "" remembers nothing. Errors: Unavailable (says why).
Result<void> remember(const std::string& facts_file, const FileIdentity& file,
                      const std::string& sha256);

}  // namespace hearth::model::facts
