#include "engine/gguf/byte_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>

namespace hearth::engine {

static_assert(std::endian::native == std::endian::little, "GGUF files are little-endian");

namespace {

constexpr std::size_t kBufferBytes = 64 * 1024;

Error cut_short() { return {Code::Corrupt, "the model file is cut short"}; }

}  // namespace

Result<void> MemorySource::read(std::uint64_t offset, char* out, std::size_t bytes) const {
  std::memcpy(out, bytes_.data() + offset, bytes);
  return ok();
}

Result<FileSource> FileSource::open(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) {
    const Code code = errno == ENOENT || errno == ENOTDIR ? Code::NotFound : Code::Unavailable;
    return Error{code, path + ": " + std::strerror(errno)};
  }
  struct stat facts {};
  const bool known = ::fstat(descriptor, &facts) == 0;
  FileSource file(descriptor, known ? static_cast<std::uint64_t>(facts.st_size) : 0);
  if (!known || !S_ISREG(facts.st_mode)) return Error{Code::InvalidInput, path + " is not a file"};
  return file;
}

FileSource::FileSource(FileSource&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), size_(other.size_) {}

FileSource::~FileSource() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<void> FileSource::read(std::uint64_t offset, char* out, std::size_t bytes) const {
  while (bytes > 0) {
    const ssize_t got = ::pread(descriptor_, out, bytes, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0)
      return Error{Code::Unavailable,
                   std::string("the model file cannot be read: ") + std::strerror(errno)};
    if (got == 0) return cut_short();
    out += got;
    offset += static_cast<std::uint64_t>(got);
    bytes -= static_cast<std::size_t>(got);
  }
  return ok();
}

Result<void> ByteCursor::take(char* out, std::size_t bytes) {
  if (bytes > left()) return cut_short();
  while (bytes > 0) {
    const std::uint64_t inside = position_ - buffer_begin_;
    if (position_ < buffer_begin_ || inside >= buffer_.size()) {
      TRY_VOID(refill());
      continue;
    }
    const std::size_t ready = std::min<std::size_t>(bytes, buffer_.size() - inside);
    std::memcpy(out, buffer_.data() + inside, ready);
    out += ready;
    position_ += ready;
    bytes -= ready;
  }
  return ok();
}

Result<void> ByteCursor::skip(std::uint64_t bytes) {
  if (bytes > left()) return cut_short();
  position_ += bytes;
  return ok();
}

Result<std::uint32_t> ByteCursor::u32() {
  std::uint32_t value = 0;
  TRY_VOID(take(reinterpret_cast<char*>(&value), sizeof(value)));
  return value;
}

Result<std::uint64_t> ByteCursor::u64() {
  std::uint64_t value = 0;
  TRY_VOID(take(reinterpret_cast<char*>(&value), sizeof(value)));
  return value;
}

/// Only called with bytes left, so the buffer is never empty afterwards.
Result<void> ByteCursor::refill() {
  buffer_.resize(static_cast<std::size_t>(std::min<std::uint64_t>(kBufferBytes, left())));
  buffer_begin_ = position_;
  return source_.read(position_, buffer_.data(), buffer_.size());
}

}  // namespace hearth::engine
