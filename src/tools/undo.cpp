#include "tools/undo.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <condition_variable>
#include <filesystem>

#include "base/fields.h"
#include "base/random.h"
#include "tools/builtin/change.h"
#include "tools/files/atomic_write.h"
#include "tools/files/descriptor.h"
#include "tools/output.h"
#include "vault/sha256.h"

namespace hearth::tools {
namespace {

constexpr std::string_view kSuffix = ".undo";
constexpr std::size_t kHeaderBytesMax = 32 * 1024;  // a path, escaped, and a few numbers
constexpr Millis kListTime{10'000};
constexpr Millis kLockPoll{5};
constexpr const char* kLockName = "/lock";

/// The right to change a folder, among all processes; the kernel takes it back from a dead one.
class FolderLock {
 public:
  /// Errors: Unavailable, Timeout, Cancelled.
  static Result<FolderLock> take(const Call& call, const std::string& folder) {
    const std::string path = folder + kLockName;
    Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file.is_open()) return file_error(path, errno);
    while (::flock(file.number(), LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK && errno != EINTR) return file_error(path, errno);
      TRY_VOID(still_wanted(call));
      pause(call);
    }
    return FolderLock(std::move(file));
  }

 private:
  explicit FolderLock(Descriptor file) : file_(std::move(file)) {}
  static void pause(const Call& call) {
    Mutex mutex;
    MutexLock lock(mutex);
    std::condition_variable_any nobody;
    nobody.wait_for(mutex, call.stop, kLockPoll, [] { return false; });
  }
  Descriptor file_;
};

std::string sha256(std::string_view bytes) {
  vault::Sha256 sum;
  sum.add(bytes);
  return sum.hex();
}

Spot spot_of(std::uint64_t number) {
  std::string name = std::to_string(number);
  name.insert(0, 20 - name.size(), '0');  // so that names sort as numbers
  return {0, name + std::string(kSuffix)};
}

std::optional<std::uint64_t> number_of(std::string_view name) {
  if (!name.ends_with(kSuffix)) return std::nullopt;
  name.remove_suffix(kSuffix.size());
  std::uint64_t number = 0;
  const auto [end, status] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (status != std::errc{} || end != name.data() + name.size()) return std::nullopt;
  return number;
}

/// The first line; a path may hold any byte, so it is written as hex.
std::string header(const Undo::Entry& entry) {
  const std::span<const std::uint8_t> path(reinterpret_cast<const std::uint8_t*>(entry.path.data()),
                                           entry.path.size());
  return Json{{"path", to_hex(path)},
              {"existed", entry.existed},
              {"mode", entry.mode},
              {"bytes", entry.bytes},
              {"after_sha256", entry.after_sha256},
              {"changed_ms", entry.changed_ms}}
             .dump() +
         "\n";
}

Result<std::string> from_hex(const std::string& text) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    unsigned byte = 0;
    const auto [end, status] = std::from_chars(&text[i], &text[i] + 2, byte, 16);
    if (status != std::errc{} || end != &text[i] + 2) return field_error("path", "is no hex");
    bytes += static_cast<char>(byte);
  }
  return bytes;
}

Result<Undo::Entry> read_header(std::string_view line) {
  TRY(const Json json, parse_json(line, "undo"));
  TRY(const Fields fields, Fields::of(json));
  Undo::Entry entry;
  TRY(const std::string path, fields.text("path"));
  TRY(entry.path, from_hex(path));
  TRY(entry.existed, fields.flag_or("existed", false));
  TRY(const auto mode, fields.whole_or("mode", 0, {0, 0777}));
  entry.mode = static_cast<mode_t>(mode);
  TRY(const auto bytes, fields.whole_or("bytes", 0, {0, INT64_MAX}));
  entry.bytes = static_cast<std::uint64_t>(bytes);
  TRY(entry.after_sha256, fields.text("after_sha256"));
  TRY(entry.changed_ms, fields.whole_or("changed_ms", 0, {0, INT64_MAX}));
  return entry;
}

Error nothing_kept(std::uint64_t number) {
  return {Code::NotFound, "there is no change " + std::to_string(number) + " to undo"};
}

}  // namespace

Result<std::unique_ptr<Undo>> Undo::open(const std::string& folder, const TimeSource& time,
                                         Limits limits) {
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
    return file_error(folder, errno == ENOENT ? EIO : errno);
  TRY(auto opened, Workspace::open({.roots = {folder}}));
  std::unique_ptr<Undo> undo(new Undo(folder, std::move(opened), time, limits));
  TRY_VOID(undo->sweep());
  return undo;
}

/// What a writer left that was killed. Another process may be writing: it holds the lock.
Result<void> Undo::sweep() const {
  const Call call = Call::within(kListTime);
  TRY(const FolderLock alone, FolderLock::take(call, path_));
  const auto remove = [this](const Workspace::Entry& entry) -> Result<Workspace::Next> {
    if (entry.spot.path.starts_with(kBesidePrefix)) TRY_VOID(folder_->remove(entry.spot));
    return Workspace::Next::SkipFolder;
  };
  TRY_VOID(folder_->walk(call, {}, remove));
  return ok();
}

Result<std::vector<std::uint64_t>> Undo::numbers(const Call& call) const {
  std::vector<std::uint64_t> all;
  const auto take = [&](const Workspace::Entry& entry) -> Result<Workspace::Next> {
    if (const auto number = number_of(entry.spot.path)) all.push_back(*number);
    return Workspace::Next::SkipFolder;
  };
  TRY_VOID(folder_->walk(call, {}, take));
  std::sort(all.begin(), all.end());
  return all;
}

Result<std::uint64_t> Undo::next_number(const Call& call) const {
  TRY(const auto all, numbers(call));
  return all.empty() ? 1 : all.back() + 1;
}

Result<void> Undo::make_room(const Call& call, std::uint64_t bytes) {
  TRY(const auto all, numbers(call));
  std::vector<std::uint64_t> sizes;
  std::uint64_t sum = bytes;
  for (const std::uint64_t number : all) {
    const auto found = folder_->look(spot_of(number));
    sizes.push_back(found.ok() ? found.value().size_bytes : 0);
    sum += sizes.back();
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    const bool fits = all.size() - i < limits_.count_max && sum <= limits_.bytes_max;
    if (fits) break;
    TRY_VOID(folder_->remove(spot_of(all[i])));
    sum -= sizes[i];
  }
  return ok();
}

Result<std::uint64_t> Undo::keep(const Call& call, const Change& change) {
  const std::string before = change.before.value_or("");
  const Entry entry{.path = change.path,
                    .existed = change.before.has_value(),
                    .mode = change.mode,
                    .bytes = before.size(),
                    .after_sha256 = sha256(change.after),
                    .changed_ms = unix_time<Millis>(time_)};
  const std::string bytes = header(entry) + before;
  if (bytes.size() > limits_.bytes_max)
    return Error{Code::TooLarge, "path: the file is too large to be kept for undo", "path"};
  MutexLock lock(mutex_);
  TRY(const FolderLock alone, FolderLock::take(call, path_));
  // Before room is made: a number must not come again when the folder becomes empty.
  TRY(const std::uint64_t number, next_number(call));
  TRY_VOID(make_room(call, bytes.size()));
  TRY_VOID(folder_->write(call, spot_of(number), bytes, 0600));
  return number;
}

void Undo::drop(std::uint64_t number) {
  MutexLock lock(mutex_);
  const auto alone = FolderLock::take(Call::within(kListTime), path_);
  // What cannot be removed is refused when it is restored: the file is not as it says.
  static_cast<void>(folder_->remove(spot_of(number)).ok());
}

Result<Undo::Stored> Undo::load(const Call& call, std::uint64_t number) const {
  auto bytes = folder_->read(call, spot_of(number), limits_.bytes_max);
  if (!bytes.ok()) {
    if (bytes.error().code == Code::NotFound) return nothing_kept(number);
    return std::move(bytes).error();
  }
  std::string text = std::move(bytes).value();
  const std::size_t end = std::min(text.find('\n'), text.size());
  const Error corrupt{Code::Corrupt,
                      "what was kept for undo " + std::to_string(number) + " is damaged"};
  if (end == text.size() || end > kHeaderBytesMax) return corrupt;
  auto entry = read_header(std::string_view(text).substr(0, end));
  if (!entry.ok() || entry.value().bytes != text.size() - end - 1) return corrupt;
  Stored stored{std::move(entry).value(), text.substr(end + 1)};
  stored.entry.number = number;
  return stored;
}

Result<std::vector<Undo::Entry>> Undo::list() {
  MutexLock lock(mutex_);
  const Call call = Call::within(kListTime);
  TRY(const auto all, numbers(call));
  std::vector<Entry> entries;
  for (auto number = all.rbegin(); number != all.rend(); ++number) {
    auto stored = load(call, *number);
    if (stored.ok()) entries.push_back(std::move(stored).value().entry);
  }
  return entries;
}

Result<std::optional<Undo::Entry>> Undo::last(std::string_view path) {
  TRY(const auto entries, list());
  for (const Entry& entry : entries)
    if (path.empty() || entry.path == path) return std::optional<Entry>(entry);
  return std::optional<Entry>();
}

/// Where a change would be taken back.
struct Undo::Target {
  Stored stored;
  Found found;
  std::optional<std::string> now{};  // absent: there is no such file
  bool changed_since = false;
};

Result<Undo::Target> Undo::look(const Call& call, const Workspace& workspace,
                                std::uint64_t number) const {
  TRY(Stored stored, load(call, number));
  TRY(Found found, workspace.find(stored.entry.path));
  if (workspace.absolute(found.spot) != stored.entry.path)
    return Error{Code::Denied, path_text(stored.entry.path) + " is a symlink now", "path"};
  Target target{std::move(stored), std::move(found)};
  if (target.found.kind == FileKind::File) {
    TRY(target.now, workspace.read(call, target.found.spot, limits_.bytes_max));
  }
  target.changed_since = !target.now || sha256(*target.now) != target.stored.entry.after_sha256;
  return target;
}

Result<Undo::Plan> Undo::plan(const Call& call, const Workspace& workspace, std::uint64_t number) {
  MutexLock lock(mutex_);
  TRY(const Target target, look(call, workspace, number));
  const Entry& entry = target.stored.entry;
  Plan plan{.entry = entry, .changed_since = target.changed_since};
  if (!target.now && !entry.existed) return plan;
  const FileChange back{.spot = target.found.spot,
                        .before = target.now,
                        .mode = entry.mode,
                        .after = target.stored.before};
  plan.diff = preview_of(workspace, back);
  return plan;
}

Result<std::unique_ptr<Workspace>> Undo::workspace_of(const Entry& entry,
                                                      std::vector<std::string> kept_out) {
  std::filesystem::path folder = std::filesystem::path(entry.path).parent_path();
  std::error_code ignored;
  while (folder.has_relative_path() && !std::filesystem::is_directory(folder, ignored))
    folder = folder.parent_path();
  return Workspace::open({.roots = {folder.string()}, .kept_out = std::move(kept_out)});
}

Result<void> Undo::restore(const Call& call, const Workspace& workspace, std::uint64_t number,
                           Changed changed) {
  MutexLock lock(mutex_);
  TRY(const FolderLock alone, FolderLock::take(call, path_));
  TRY(const Target target, look(call, workspace, number));
  const Entry& entry = target.stored.entry;
  if (changed == Changed::Refuse && target.changed_since)
    return Error{Code::Denied,
                 path_text(entry.path) + " has changed since; it is restored by force only",
                 "path"};
  if (entry.existed)
    TRY_VOID(workspace.write(call, target.found.spot, target.stored.before, entry.mode));
  else if (target.found.kind != FileKind::Absent)
    TRY_VOID(workspace.remove(target.found.spot));
  return folder_->remove(spot_of(number));
}

}  // namespace hearth::tools
