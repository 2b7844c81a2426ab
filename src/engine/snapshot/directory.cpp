#include "engine/snapshot/directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <ctime>
#include <memory>
#include <system_error>

namespace hearth::engine::snapshot {
namespace {

constexpr std::string_view kSuffix = ".kv", kUnfinished = ".writing-";
constexpr std::int64_t kUnfinishedMaxNs = 3'600'000'000'000;
constexpr std::size_t kFingerprintDigits = 16, kStartDigits = 8, kNameDigits = 32;
constexpr std::size_t kFileNameBytes =
    kFingerprintDigits + 1 + kStartDigits + 1 + kNameDigits + kSuffix.size();
constexpr std::uint64_t kFileBytesMax = kStateBytesMax + (kPositionMax + 1'024ull) * 4;

struct Descriptor {
  int value;
  ~Descriptor() {
    if (value >= 0) ::close(value);
  }
};
struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

Error system_error(const std::string& what, const std::string& path) {
  const Code code = errno == ENOENT ? Code::NotFound : Code::Unavailable;
  return {code, what + " " + path + ": " + std::generic_category().message(errno)};
}

std::int64_t now_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}

bool is_hex(std::string_view text) {
  return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

/// The parts of a file's name; nothing if it is not one of a segment.
std::optional<Entry> parse_name(const std::string& file, const std::string& prefix) {
  const std::string_view text = file;
  if (text.size() != kFileNameBytes || !text.ends_with(kSuffix)) return std::nullopt;
  constexpr std::size_t kStartAt = kFingerprintDigits + 1, kNameAt = kStartAt + kStartDigits + 1;
  const auto start = text.substr(kStartAt, kStartDigits), name = text.substr(kNameAt, kNameDigits);
  const bool good = is_hex(text.substr(0, kFingerprintDigits)) && is_hex(start) && is_hex(name) &&
                    text[kStartAt - 1] == '-' && text[kNameAt - 1] == '-';
  if (!good) return std::nullopt;
  Entry entry{.file = file, .ours = text.starts_with(prefix)};
  std::from_chars(start.data(), start.data() + start.size(), entry.start, 16);
  for (std::size_t i = 0; i < entry.name.size(); ++i)
    std::from_chars(&name[2 * i], &name[2 * i] + 2, entry.name[i], 16);
  return entry;
}

std::string file_name(const std::string& prefix, std::uint32_t start, const std::string& name) {
  const char* digits = "0123456789abcdef";
  std::string text = prefix;
  for (int shift = 28; shift >= 0; shift -= 4) text += digits[start >> shift & 15];
  return text + "-" + name + std::string(kSuffix);
}

Result<void> write_all(int fd, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t done = ::write(fd, bytes.data(), bytes.size());
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return system_error("cannot write", path);
    bytes.remove_prefix(static_cast<std::size_t>(done));
  }
  return ok();
}

Result<void> write_pieces(const std::string& path, const std::string_view (&pieces)[3]) {
  constexpr int kFlags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
  const Descriptor file{::open(path.c_str(), kFlags, 0600)};
  if (file.value < 0) return system_error("cannot create", path);
  for (const std::string_view piece : pieces) {
    TRY_VOID(write_all(file.value, piece, path));
  }
  return ok();
}

const Header& header_of(const Header& header) { return header; }
const Header& header_of(const Segment& segment) { return segment.header; }

std::string unfinished_name() {
  static std::atomic<std::uint64_t> count = 0;
  return std::string(kUnfinished) + std::to_string(::getpid()) + "-" + std::to_string(++count);
}

}  // namespace

Directory::Directory(std::string path, const Digest& fingerprint)
    : path_(std::move(path)),
      fingerprint_(fingerprint),
      prefix_(to_hex(fingerprint).substr(0, kFingerprintDigits) + "-") {}

std::int64_t Directory::changed_ns() const {
  struct stat status {};
  if (::stat(path_.c_str(), &status) != 0) return 0;
  return status.st_mtim.tv_sec * 1'000'000'000LL + status.st_mtim.tv_nsec;
}

std::vector<Entry> Directory::list() const {
  std::vector<Entry> entries;
  const std::unique_ptr<DIR, CloseDirectory> directory(::opendir(path_.c_str()));
  while (const dirent* item = directory ? ::readdir(directory.get()) : nullptr) {
    const std::string file = item->d_name;
    struct stat status {};
    if (::lstat(path_of(file).c_str(), &status) != 0 || !S_ISREG(status.st_mode)) continue;
    const std::int64_t used_ns = status.st_mtim.tv_sec * 1'000'000'000LL + status.st_mtim.tv_nsec;
    auto entry = parse_name(file, prefix_);
    if (!entry && file.starts_with(kUnfinished) && now_ns() - used_ns > kUnfinishedMaxNs)
      ::unlink(path_of(file).c_str());
    if (!entry) continue;
    entry->bytes = static_cast<std::uint64_t>(status.st_size);
    entry->used_ns = used_ns;
    entries.push_back(std::move(*entry));
  }
  return entries;
}

Entry Directory::entry_of(const Digest& name, std::uint32_t start) const {
  return {
      .file = file_name(prefix_, start, to_hex(name)), .name = name, .start = start, .ours = true};
}

Result<void> Directory::write(const Segment& segment) const {
  if (::mkdir(path_.c_str(), 0700) != 0 && errno != EEXIST)
    return system_error("cannot create", path_);
  const Frame frame = frame_of(segment.header, segment.state());
  const std::string unfinished = path_of(unfinished_name());
  const std::string finished = path_of(entry_of(segment.header.name, segment.header.start).file);
  auto written = write_pieces(unfinished, {frame.before, segment.state(), frame.after});
  if (written.ok() && ::rename(unfinished.c_str(), finished.c_str()) != 0)
    written = system_error("cannot rename", unfinished);
  if (!written.ok()) ::unlink(unfinished.c_str());
  return written;
}

/// At most `bytes_max` bytes from the front of a file.
Result<std::string> Directory::contents(const std::string& file, std::size_t bytes_max) const {
  const std::string path = path_of(file);
  const Descriptor opened{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)};
  if (opened.value < 0) return system_error("cannot open", path);
  struct stat status {};
  if (::fstat(opened.value, &status) != 0) return system_error("cannot read", path);
  if (static_cast<std::uint64_t>(status.st_size) > kFileBytesMax)
    return Error{Code::Corrupt, path + " is too large"};
  std::string bytes(std::min(bytes_max, static_cast<std::size_t>(status.st_size)), '\0');
  std::size_t have = 0;
  while (have < bytes.size()) {
    const ssize_t got = ::read(opened.value, bytes.data() + have, bytes.size() - have);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_error("cannot read", path);
    if (got == 0) break;  // cut meanwhile; what is missing will be missed
    have += static_cast<std::size_t>(got);
  }
  bytes.resize(have);
  return bytes;
}

/// What `read` gives for a file of ours. A file that is damaged, or that is not what it is called,
/// is removed.
template <class Read>
auto Directory::verified(const std::string& file, Read&& read) const {
  auto got = read();
  if (got.ok()) {
    const Header& header = header_of(got.value());
    if (header.fingerprint != fingerprint_ || entry_of(header.name, header.start).file != file)
      got = Error{Code::Corrupt, "snapshot: " + file + " is not what its name says"};
  }
  if (!got.ok() && got.error().code == Code::Corrupt) ::unlink(path_of(file).c_str());
  return got;
}

Result<Header> Directory::read_header(const Entry& entry) const {
  return verified(entry.file, [&]() -> Result<Header> {
    TRY(const std::string start, contents(entry.file, kHeaderStartBytes));
    TRY(const std::size_t size, header_bytes(start));
    TRY(const std::string bytes, contents(entry.file, size));
    return snapshot::read_header(bytes);
  });
}

Result<Segment> Directory::read(const Entry& entry) const {
  return verified(entry.file, [&]() -> Result<Segment> {
    TRY(std::string bytes, contents(entry.file, kFileBytesMax));
    return read_segment(std::move(bytes));
  });
}

void Directory::touch(const std::vector<Entry>& entries) const {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  const timespec times[2] = {now, now};
  for (const Entry& entry : entries)
    ::utimensat(AT_FDCWD, path_of(entry.file).c_str(), times, AT_SYMLINK_NOFOLLOW);
}

void Directory::remove(const Entry& entry) const { ::unlink(path_of(entry.file).c_str()); }

std::vector<Entry> surplus(std::vector<Entry> entries, const Room& room) {
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::pair(a.used_ns, b.start) < std::pair(b.used_ns, a.start);
  });
  std::uint64_t bytes = 0;
  for (const Entry& entry : entries) bytes += entry.bytes;
  std::size_t files = entries.size(), gone = 0;
  while (gone < entries.size() && (bytes > room.bytes || files > room.files)) {
    bytes -= entries[gone].bytes;
    --files;
    ++gone;
  }
  entries.resize(gone);
  return entries;
}

}  // namespace hearth::engine::snapshot
