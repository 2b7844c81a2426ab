#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/snapshot/container.h"

namespace hearth::engine::snapshot {

/// One segment's file, as a listing shows it: "<fingerprint>-<start>-<name>.kv", all in hex. The
/// name tells enough to choose what goes without opening a file.
struct Entry {
  std::string file;
  Digest name{};
  std::uint32_t start = 0;   // tokens before it
  std::uint64_t bytes = 0;   // of the file
  std::int64_t used_ns = 0;  // when it was last written or read; since 1970
  bool ours = false;         // of this directory's fingerprint
};

/// The folder in which segments lie, shared with other engines, other models and one-shot commands:
/// files may vanish and appear at any time, and nothing is locked. A file is written beside itself
/// and moved into place, so a reader sees a whole one or none; it is not synced, because what a
/// power failure leaves is found damaged and removed. Values only; one thread.
class Directory {
 public:
  static constexpr std::size_t kFilesMax = 4'096;  // beyond, the longest unused go

  Directory(std::string path, const Digest& fingerprint);

  /// When a file last came or went, in ns since 1970; 0 if there is no such directory.
  std::int64_t changed_ns() const;
  /// All segment files. Removes what earlier writers left unfinished an hour ago.
  std::vector<Entry> list() const;
  /// Errors: Unavailable (disk full, no permission, …).
  Result<void> write(const Segment& segment) const;
  /// Errors: NotFound (it vanished), Unavailable, Corrupt (damaged, or not what its name says; the
  /// file was removed).
  Result<Header> read_header(const Entry& entry) const;
  Result<Segment> read(const Entry& entry) const;
  /// Marks files as used now, all at the same moment.
  void touch(const std::vector<Entry>& entries) const;
  void remove(const Entry& entry) const;
  /// The entry that a segment has, or would have, without size and time.
  Entry entry_of(const Digest& name, std::uint32_t start) const;

 private:
  std::string path_of(const std::string& file) const { return path_ + "/" + file; }
  Result<std::string> contents(const std::string& file, std::size_t bytes_max) const;
  template <class Read>
  auto verified(const std::string& file, Read&& read) const;

  const std::string path_;
  const Digest fingerprint_;
  const std::string prefix_;  // of our files' names
};

/// What must go so that the rest is within `room`: the longest unused first, of equals the one with
/// more tokens before it, so that a child always goes before its parent.
struct Room {
  std::uint64_t bytes = 0, files = 0;
};
std::vector<Entry> surplus(std::vector<Entry> entries, const Room& room);

}  // namespace hearth::engine::snapshot
