#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace hearth::engine {

/// Bytes at places: a file or memory.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  virtual std::uint64_t size() const = 0;
  /// Copies `bytes` bytes from `offset` to `out`; the range lies inside size().
  /// Errors: Corrupt (the file got shorter), Unavailable (it cannot be read).
  virtual Result<void> read(std::uint64_t offset, char* out, std::size_t bytes) const = 0;
};

class MemorySource final : public ByteSource {
 public:
  explicit MemorySource(std::string_view bytes) : bytes_(bytes) {}
  std::uint64_t size() const override { return bytes_.size(); }
  Result<void> read(std::uint64_t offset, char* out, std::size_t bytes) const override;

 private:
  std::string_view bytes_;
};

/// A file that is read, not mapped: one that shrinks meanwhile gives an error and no signal.
class FileSource final : public ByteSource {
 public:
  /// Errors: NotFound (no such file), InvalidInput (not a regular file), Unavailable (may not be
  /// read).
  static Result<FileSource> open(const std::string& path);
  FileSource(FileSource&& other) noexcept;
  FileSource& operator=(FileSource&&) = delete;
  ~FileSource() override;
  std::uint64_t size() const override { return size_; }
  Result<void> read(std::uint64_t offset, char* out, std::size_t bytes) const override;

 private:
  FileSource(int descriptor, std::uint64_t size) : descriptor_(descriptor), size_(size) {}
  int descriptor_;
  std::uint64_t size_;
};

/// Reads a ByteSource from front to back, 64 KiB at a time. Little-endian numbers.
/// Every error of running past the end: Corrupt, "is cut short".
class ByteCursor {
 public:
  explicit ByteCursor(const ByteSource& source) : source_(source) {}

  std::uint64_t position() const { return position_; }
  std::uint64_t left() const { return source_.size() - position_; }
  Result<void> take(char* out, std::size_t bytes);
  Result<void> skip(std::uint64_t bytes);
  Result<std::uint32_t> u32();
  Result<std::uint64_t> u64();

 private:
  Result<void> refill();

  const ByteSource& source_;
  std::uint64_t position_ = 0;
  std::uint64_t buffer_begin_ = 0;
  std::vector<char> buffer_{};
};

}  // namespace hearth::engine
