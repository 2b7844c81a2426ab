#include "tools/workspace.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <optional>

#include "base/fields.h"
#include "tools/files/atomic_write.h"
#include "tools/files/look.h"

namespace hearth::tools {
namespace {

constexpr std::size_t kReadBytes = 1024 * 1024;  // between two looks at the call

bool is_in(std::string_view path, std::string_view folder) {
  return path == folder ||
         (path.size() > folder.size() && path.starts_with(folder) && path[folder.size()] == '/');
}

/// Symlinks followed as far as it exists, else as it is.
std::string real_path(const std::string& path) {
  char resolved[PATH_MAX];
  return ::realpath(path.c_str(), resolved) ? resolved : path;
}

std::pair<std::string, std::string> split_last(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return {"", path};
  return {path.substr(0, slash), path.substr(slash + 1)};
}

Result<std::string> normal(std::string_view relative) {
  std::string path;
  while (!relative.empty()) {
    const std::size_t slash = std::min(relative.find('/'), relative.size());
    const std::string_view part = relative.substr(0, slash);
    relative.remove_prefix(std::min(slash + 1, relative.size()));
    if (part.empty() || part == ".") continue;
    if (part == "..")
      return Error{Code::Denied, "path: \"..\" is not allowed; give the path from the workspace",
                   "path"};
    if (part.size() > NAME_MAX) return file_error(std::string(part), ENAMETOOLONG);
    path += (path.empty() ? "" : "/") + std::string(part);
  }
  return path;
}

}  // namespace

Result<std::unique_ptr<Workspace>> Workspace::open(const Options& options) {
  if (options.roots.size() > kRootsMax)
    return field_error("workspace", "at most " + std::to_string(kRootsMax) + " are allowed");
  std::unique_ptr<Workspace> made(new Workspace());
  made->kernel_resolves_ = options.kernel_resolves;
  for (const std::string& folder : options.kept_out) made->kept_out_.push_back(real_path(folder));
  for (const std::string& name : options.roots) {
    if (!name.starts_with('/')) return field_error("workspace", "must be absolute: " + name);
    Root root{.path = real_path(name), .name = name, .folder = {}};
    while (root.name.size() > 1 && root.name.ends_with('/')) root.name.pop_back();
    if (root.path == "/") return field_error("workspace", "must not be the root of all files");
    for (const std::string& shut : made->kept_out_)
      if (is_in(root.path, shut)) return field_error("workspace", name + " is Hearth's own");
    root.folder = Descriptor(::open(root.path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!root.folder.is_open())
      return field_error("workspace", name + ": " + file_error("", errno).message);
    made->roots_.push_back(std::move(root));
  }
  return made;
}

Result<Spot> Workspace::locate(std::string_view path) const {
  if (path.empty()) return field_error("path", "must not be empty");
  if (path.find('\0') != std::string_view::npos)
    return field_error("path", "must not hold a zero byte");
  if (path.size() > kPathBytesMax) return file_error(std::string(path), ENAMETOOLONG);
  if (roots_.empty())
    return Error{Code::Denied, "path: no folder is open to tools; set tools.workspace", "path"};
  Spot spot;
  if (path.front() == '/') {
    const auto root = std::find_if(roots_.begin(), roots_.end(), [&](const Root& one) {
      return is_in(path, one.path) || is_in(path, one.name);
    });
    if (root == roots_.end()) return file_error(std::string(path), EXDEV);
    spot.root = static_cast<std::size_t>(root - roots_.begin());
    path.remove_prefix(is_in(path, root->path) ? root->path.size() : root->name.size());
  }
  TRY(spot.path, normal(path));
  return spot;
}

std::string Workspace::absolute(const Spot& spot) const {
  return roots_[spot.root].path + (spot.path.empty() ? "" : "/" + spot.path);
}

std::string Workspace::shown(const Spot& spot) const {
  if (spot.root > 0) return absolute(spot);
  return spot.path.empty() ? "." : spot.path;
}

Result<void> Workspace::refuse_kept_out(const Spot& spot) const {
  const std::string path = absolute(spot);
  for (const std::string& shut : kept_out_)
    if (is_in(path, shut))
      return Error{Code::Denied, "path: " + shown(spot) + " is Hearth's own and stays shut",
                   "path"};
  return ok();
}

/// Where an open file really is. The root is asked too: it may have been renamed.
Result<Spot> Workspace::real_spot(const Spot& looked_up, int descriptor) const {
  TRY(const std::string path, path_of(descriptor));
  TRY(const std::string root, path_of(roots_[looked_up.root].folder.number()));
  if (!is_in(path, root)) return file_error(shown(looked_up), EXDEV);
  return Spot{looked_up.root, path.size() > root.size() ? path.substr(root.size() + 1) : ""};
}

Result<Found> Workspace::find(std::string_view path) const {
  TRY(const Spot spot, locate(path));
  std::string missing, at = spot.path;
  for (;;) {
    const Descriptor open(open_beneath(beneath(spot), at, O_PATH, Links::Followed));
    if (open.is_open()) {
      TRY(Found found, look_at(shown(spot), open.number()));
      TRY(found.spot, real_spot(spot, open.number()));
      if (!missing.empty()) {
        if (found.kind != FileKind::Folder) return file_error(shown(spot), ENOTDIR);
        const Spot above = std::move(found.spot);
        found = {.spot = {above.root, (above.path.empty() ? "" : above.path + "/") + missing}};
      }
      TRY_VOID(refuse_kept_out(found.spot));
      return found;
    }
    if (open.number() != -ENOENT || at.empty()) return file_error(shown(spot), -open.number());
    const auto [folder, name] = split_last(at);
    missing = name + (missing.empty() ? "" : "/" + missing);
    at = folder;
  }
}

Result<Found> Workspace::look(const Spot& spot) const {
  TRY_VOID(refuse_kept_out(spot));
  const Descriptor open(open_beneath(beneath(spot), spot.path, O_PATH, Links::Refused));
  if (!open.is_open()) {
    if (open.number() == -ENOENT) return Found{.spot = spot};
    return file_error(shown(spot), -open.number());
  }
  TRY(Found found, look_at(shown(spot), open.number()));
  found.spot = spot;
  return found;
}

/// Opens to read only what is known to be a regular file: opening a device may do something, and a
/// named pipe waits.
Result<Descriptor> Workspace::open_regular(const Spot& spot, Found& found) const {
  TRY_VOID(refuse_kept_out(spot));
  const Descriptor open(open_beneath(beneath(spot), spot.path, O_PATH, Links::Refused));
  if (!open.is_open()) return file_error(shown(spot), -open.number());
  TRY(found, look_at(shown(spot), open.number()));
  if (found.kind != FileKind::File)
    return field_error("path", shown(spot) + " is " + found.kind_name + ", not a file");
  return reopen(shown(spot), open.number());
}

Result<std::string> Workspace::read(const Call& call, const Spot& spot,
                                    std::size_t bytes_max) const {
  Found found;
  TRY(const Descriptor file, open_regular(spot, found));
  const auto too_large = [&](std::uint64_t bytes) {
    return Error{Code::TooLarge,
                 "path: " + shown(spot) + " has " + std::to_string(bytes) + " bytes; at most " +
                     std::to_string(bytes_max) + " are read",
                 "path"};
  };
  if (found.size_bytes > bytes_max) return too_large(found.size_bytes);
  std::string bytes;
  for (;;) {
    TRY_VOID(still_wanted(call));
    const std::size_t had = bytes.size();
    bytes.resize(had + std::min(kReadBytes, bytes_max + 1 - had));
    const ssize_t got = ::read(file.number(), bytes.data() + had, bytes.size() - had);
    if (got < 0 && errno != EINTR) return file_error(shown(spot), errno);
    bytes.resize(had + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got == 0) return bytes;
    if (bytes.size() > bytes_max) return too_large(bytes.size());  // it grew
  }
}

/// The folder that a file is to be in, made if it is missing.
Result<Descriptor> Workspace::make_folder_of(const Spot& spot) const {
  const std::string path = split_last(spot.path).first;
  int opened = open_beneath(beneath(spot), path, O_RDONLY | O_DIRECTORY, Links::Refused);
  std::size_t end = 0;
  if (opened != -ENOENT) end = path.size();
  while (end < path.size()) {
    end = std::min(path.find('/', end + 1), path.size());
    const auto [above, name] = split_last(path.substr(0, end));
    const Descriptor folder(
        open_beneath(beneath(spot), above, O_RDONLY | O_DIRECTORY, Links::Refused));
    if (!folder.is_open()) return file_error(shown(spot), -folder.number());
    if (::mkdirat(folder.number(), name.c_str(), 0777) != 0 && errno != EEXIST)
      return file_error(shown(spot), errno);
    opened =
        open_beneath(beneath(spot), path.substr(0, end), O_RDONLY | O_DIRECTORY, Links::Refused);
  }
  if (opened < 0) return file_error(shown(spot), -opened);
  return Descriptor(opened);
}

Result<void> Workspace::write(const Call& call, const Spot& spot, std::string_view bytes,
                              mode_t mode) const {
  TRY(const Found found, look(spot));
  if (found.kind != FileKind::File && found.kind != FileKind::Absent)
    return field_error("path", shown(spot) + " is " + found.kind_name + ", not a file");
  TRY(const Descriptor folder, make_folder_of(spot));
  TRY_VOID(refuse_virtual(shown(spot), folder.number()));
  const FileName target{folder.number(), split_last(spot.path).second, shown(spot)};
  return write_atomically(call, target, bytes, mode);
}

Result<void> Workspace::remove(const Spot& spot) const {
  TRY(const Found found, look(spot));
  if (found.kind == FileKind::Absent) return file_error(shown(spot), ENOENT);
  if (found.kind != FileKind::File)
    return field_error("path", shown(spot) + " is " + found.kind_name + ", not a file");
  const auto [path, name] = split_last(spot.path);
  const Descriptor folder(
      open_beneath(beneath(spot), path, O_RDONLY | O_DIRECTORY, Links::Refused));
  if (!folder.is_open()) return file_error(shown(spot), -folder.number());
  if (::unlinkat(folder.number(), name.c_str(), 0) != 0) return file_error(shown(spot), errno);
  return ok();
}

struct Workspace::Walk {
  const Call& call;
  const Visit& visit;
  std::size_t seen = 0;
  bool is_whole = true;
};

Result<bool> Workspace::walk(const Call& call, const Spot& folder, const Visit& visit) const {
  Walk walk{.call = call, .visit = visit};
  TRY_VOID(walk_folder(walk, folder, 0));
  return walk.is_whole;
}

// Recursion is bounded by kDepthMax. Gives whether to go on.
Result<bool> Workspace::walk_folder(Walk& walk, const Spot& folder, std::size_t depth) const {
  if (depth >= kDepthMax) {
    walk.is_whole = false;
    return true;
  }
  const int opened =
      open_beneath(beneath(folder), folder.path, O_RDONLY | O_DIRECTORY, Links::Refused);
  if (opened < 0) return depth > 0 ? Result<bool>(true) : file_error(shown(folder), -opened);
  TRY(const auto names, names_in(Descriptor(opened), kEntriesMax - walk.seen, walk.is_whole));
  for (const NamedFile& one : names) {
    TRY_VOID(still_wanted(walk.call));
    if (++walk.seen > kEntriesMax) return walk.is_whole = false;
    const Entry entry{
        .spot = {folder.root, (folder.path.empty() ? "" : folder.path + "/") + one.name},
        .kind = one.kind,
        .size_bytes = one.size_bytes};
    if (!refuse_kept_out(entry.spot).ok()) continue;
    TRY(const Next next, walk.visit(entry));
    if (next == Next::Stop) return false;
    if (next == Next::SkipFolder || entry.kind != FileKind::Folder) continue;
    TRY(const bool goes_on, walk_folder(walk, entry.spot, depth + 1));
    if (!goes_on) return false;
  }
  return true;
}

}  // namespace hearth::tools
