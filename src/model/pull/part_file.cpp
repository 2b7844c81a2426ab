#include "model/pull/part_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <numeric>

#include "base/fields.h"

namespace hearth::model {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kNumberMax = std::int64_t{1} << 53;  // that JSON keeps exactly

Error disk_error(const std::string& path) {
  const Code code = errno == ENOSPC || errno == EDQUOT ? Code::TooLarge : Code::Unavailable;
  return {code, path + " cannot be written: " + std::strerror(errno)};
}

std::string read_text(const std::string& path, std::size_t bytes_max) {
  std::ifstream in(path, std::ios::binary);
  std::string text(bytes_max + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(std::max<std::streamsize>(in.gcount(), 0)));
  return text.size() > bytes_max ? std::string() : text;
}

Result<void> sync_folder(const std::string& path) {
  const std::string folder = fs::path(path).parent_path();
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return disk_error(folder);
  const bool synced = ::fsync(descriptor) == 0;
  const Error problem = disk_error(folder);
  ::close(descriptor);
  if (synced) return ok();
  return problem;
}

}  // namespace

Result<std::unique_ptr<PartFile>> PartFile::open(const std::string& path, const Content& content) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) return disk_error(path);
  std::unique_ptr<PartFile> file(new PartFile(path, content, descriptor));
  if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0)
    return Error{Code::Busy, path + " is being downloaded by another process"};
  TRY_VOID(file->prepare());
  return file;
}

PartFile::~PartFile() { ::close(descriptor_); }

std::size_t PartFile::chunk_count() const {
  return static_cast<std::size_t>((content_.size_bytes + content_.chunk_bytes - 1) /
                                  content_.chunk_bytes);
}

std::uint64_t PartFile::end_of(std::size_t index) const {
  return std::min(begin_of(index + 1), content_.size_bytes);
}

Result<void> PartFile::prepare() {
  auto done = read_state();
  const MutexLock lock(mutex_);
  done_ = std::move(done);
  done_.resize(chunk_count());
  taken_.assign(chunk_count(), false);
  // Of what cannot be gone on with nothing stays, so that no old byte passes for a new one.
  const bool is_fresh = std::all_of(done_.begin(), done_.end(), [](auto bytes) { return !bytes; });
  if (is_fresh && ::ftruncate(descriptor_, 0) != 0) return disk_error(path_);
  if (::ftruncate(descriptor_, static_cast<off_t>(content_.size_bytes)) == 0) return ok();
  return disk_error(path_);
}

/// The bytes of each chunk; none if the state is damaged, or of something else.
std::vector<std::uint64_t> PartFile::read_state() const {
  struct stat about {};
  const bool has_size = ::fstat(descriptor_, &about) == 0 &&
                        static_cast<std::uint64_t>(about.st_size) == content_.size_bytes;
  const auto parsed = parse_json(read_text(state_path(), kStateBytesMax), state_path());
  if (!has_size || !parsed.ok() || content_.identity.empty()) return {};
  const auto fields = Fields::of(parsed.value());
  if (!fields.ok()) return {};
  const auto& state = fields.value();
  const auto size = state.whole("size_bytes", {0, kNumberMax});
  const auto chunk = state.whole("chunk_bytes", {1, kNumberMax});
  const auto identity = state.text("identity");
  const auto done = state.array("done_bytes", kChunksMax);
  const bool is_same =
      size.ok() && chunk.ok() && identity.ok() && done.ok() && done.value() && size.value() &&
      chunk.value() && static_cast<std::uint64_t>(*size.value()) == content_.size_bytes &&
      static_cast<std::uint64_t>(*chunk.value()) == content_.chunk_bytes &&
      identity.value() == content_.identity && done.value()->size() == chunk_count();
  if (!is_same) return {};
  std::vector<std::uint64_t> bytes;
  for (const auto& item : *done.value()) {
    const std::size_t index = bytes.size();
    if (!item.is_number_unsigned()) return {};
    bytes.push_back(item.get<std::uint64_t>());
    if (bytes.back() > end_of(index) - begin_of(index)) return {};
  }
  return bytes;
}

std::optional<PartFile::Chunk> PartFile::take() {
  const MutexLock lock(mutex_);
  for (std::size_t i = 0; i < done_.size(); ++i) {
    const Chunk chunk{i, begin_of(i) + done_[i], end_of(i)};
    if (taken_[i] || chunk.next == chunk.end) continue;
    taken_[i] = true;
    return chunk;
  }
  return std::nullopt;
}

Result<void> PartFile::write(Chunk& chunk, std::string_view bytes) {
  if (bytes.size() > chunk.end - chunk.next)
    return Error{Code::Corrupt, "the server sends more than it was asked for"};
  while (!bytes.empty()) {
    const auto count =
        ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(chunk.next));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return disk_error(path_);
    bytes.remove_prefix(static_cast<std::size_t>(count));
    chunk.next += static_cast<std::uint64_t>(count);
  }
  const MutexLock lock(mutex_);
  done_[chunk.index] = chunk.next - begin_of(chunk.index);
  return ok();
}

void PartFile::restart(Chunk& chunk) {
  const MutexLock lock(mutex_);
  done_[chunk.index] = 0;
  chunk.next = begin_of(chunk.index);
}

void PartFile::give_back(const Chunk& chunk) {
  const MutexLock lock(mutex_);
  taken_[chunk.index] = false;
}

std::uint64_t PartFile::done_bytes() const {
  const MutexLock lock(mutex_);
  return std::accumulate(done_.begin(), done_.end(), std::uint64_t{0});
}

Result<void> PartFile::save() {
  Json state = {{"size_bytes", content_.size_bytes},
                {"chunk_bytes", content_.chunk_bytes},
                {"identity", content_.identity},
                {"done_bytes", Json::array()}};
  {
    const MutexLock lock(mutex_);
    for (const std::uint64_t bytes : done_) state["done_bytes"].push_back(bytes);
  }
  // The state must not promise bytes that a power cut takes away.
  if (::fdatasync(descriptor_) != 0) return disk_error(path_);
  const std::string fresh = state_path() + ".new";
  std::ofstream out(fresh, std::ios::binary | std::ios::trunc);
  out << state.dump(-1, ' ', false, Json::error_handler_t::replace) << "\n";
  out.close();
  if (out && ::rename(fresh.c_str(), state_path().c_str()) == 0) return ok();
  return disk_error(state_path());
}

Result<void> PartFile::finish(const std::string& path) {
  if (::fsync(descriptor_) != 0 || ::rename(path_.c_str(), path.c_str()) != 0)
    return disk_error(path);
  ::unlink(state_path().c_str());
  return sync_folder(path);
}

void PartFile::discard() {
  ::unlink(path_.c_str());
  ::unlink(state_path().c_str());
}

}  // namespace hearth::model
