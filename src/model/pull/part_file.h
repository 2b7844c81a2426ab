#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"

namespace hearth::model {

/// A file that comes in parts, and beside it (path + ".json") which of them it has: chunks of one
/// size, each filled from its front. Holds a lock on it: one process, one PartFile. Any thread may
/// write; a chunk belongs to whoever took it.
class PartFile {
 public:
  static constexpr std::size_t kStateBytesMax = 4 * 1024 * 1024;
  static constexpr std::size_t kChunksMax = 65'536;

  struct Content {
    std::uint64_t size_bytes;
    std::string identity;       // "": what is there cannot be known to be of the same content
    std::uint64_t chunk_bytes;  // at least size_bytes / kChunksMax
  };
  /// Opens or makes it. What is there stays if its state is of the same content. Errors: Busy
  /// (locked by another), Unavailable (disk).
  static Result<std::unique_ptr<PartFile>> open(const std::string& path, const Content& content);
  ~PartFile();
  PartFile(const PartFile&) = delete;
  PartFile& operator=(const PartFile&) = delete;

  struct Chunk {
    std::size_t index;
    std::uint64_t next, end;  // what is missing: [next, end)
  };
  /// A chunk that is not whole and that nobody has; nullopt: there is none.
  std::optional<Chunk> take() EXCLUDES(mutex_);
  /// Writes what comes next in a chunk that was taken, and moves `chunk.next`. Errors: TooLarge
  /// (the disk is full), Unavailable (disk), Corrupt (more than the chunk has room for).
  Result<void> write(Chunk& chunk, std::string_view bytes) EXCLUDES(mutex_);
  /// Begins a chunk again: what its server said of it was not true.
  void restart(Chunk& chunk) EXCLUDES(mutex_);
  /// Gives it back; it is taken again if it is not whole.
  void give_back(const Chunk& chunk) EXCLUDES(mutex_);

  std::uint64_t done_bytes() const EXCLUDES(mutex_);
  bool is_whole() const { return done_bytes() == content_.size_bytes; }
  /// Puts the bytes, then the state on the disk. Errors: Unavailable.
  Result<void> save() EXCLUDES(mutex_);
  /// The file under its final name; the state is gone. Errors: Unavailable.
  Result<void> finish(const std::string& path);
  /// Deletes both.
  void discard();

 private:
  PartFile(std::string path, Content content, int descriptor)
      : path_(std::move(path)), content_(std::move(content)), descriptor_(descriptor) {}
  std::string state_path() const { return path_ + ".json"; }
  std::size_t chunk_count() const;
  std::uint64_t begin_of(std::size_t index) const { return index * content_.chunk_bytes; }
  std::uint64_t end_of(std::size_t index) const;
  std::vector<std::uint64_t> read_state() const;
  Result<void> prepare();

  const std::string path_;
  const Content content_;
  const int descriptor_;
  mutable Mutex mutex_;
  std::vector<std::uint64_t> done_ GUARDED_BY(mutex_);  // bytes of each chunk
  std::vector<bool> taken_ GUARDED_BY(mutex_);
};

}  // namespace hearth::model
