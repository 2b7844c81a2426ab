#include "tools/files/look.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <memory>

namespace hearth::tools {
namespace {

struct CloseFolder {
  void operator()(DIR* folder) const { ::closedir(folder); }
};

FileKind kind_of(mode_t mode) {
  if (S_ISREG(mode)) return FileKind::File;
  return S_ISDIR(mode) ? FileKind::Folder : FileKind::Other;
}

const char* name_of(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG: return "a file";
    case S_IFDIR: return "a folder";
    case S_IFLNK: return "a symlink";
    case S_IFIFO: return "a named pipe";
    case S_IFSOCK: return "a socket";
    case S_IFCHR:
    case S_IFBLK: return "a device";
    default: return "something else";
  }
}

bool is_virtual(int descriptor) {
  struct statfs system {};
  if (::fstatfs(descriptor, &system) != 0) return true;
  constexpr long kMadeUp[] = {PROC_SUPER_MAGIC,    SYSFS_MAGIC,        DEBUGFS_MAGIC,
                              TRACEFS_MAGIC,       CGROUP_SUPER_MAGIC, SECURITYFS_MAGIC,
                              CGROUP2_SUPER_MAGIC, BPF_FS_MAGIC};
  return std::find(std::begin(kMadeUp), std::end(kMadeUp), static_cast<long>(system.f_type)) !=
         std::end(kMadeUp);
}

std::string own_link(int descriptor) { return "/proc/self/fd/" + std::to_string(descriptor); }

}  // namespace

Result<void> refuse_virtual(const std::string& shown, int descriptor) {
  if (!is_virtual(descriptor)) return ok();
  return Error{Code::Denied, "path: " + shown + " is no stored file: the kernel makes it up",
               "path"};
}

Result<Found> look_at(const std::string& shown, int descriptor) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) return file_error(shown, errno);
  if (status.st_nlink == 0) return file_error(shown, ENOENT);
  TRY_VOID(refuse_virtual(shown, descriptor));
  return Found{.spot = {},
               .kind = kind_of(status.st_mode),
               .kind_name = name_of(status.st_mode),
               .size_bytes = static_cast<std::uint64_t>(status.st_size),
               .mode = status.st_mode & 0777};
}

Result<std::string> path_of(int descriptor) {
  char path[PATH_MAX];
  const ssize_t bytes = ::readlink(own_link(descriptor).c_str(), path, sizeof(path));
  if (bytes < 0 || bytes == sizeof(path))
    return Error{Code::Unavailable, "path: /proc does not tell where a file is", "path"};
  return std::string(path, static_cast<std::size_t>(bytes));
}

Result<Descriptor> reopen(const std::string& shown, int descriptor) {
  const int opened =
      ::open(own_link(descriptor).c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (opened < 0) return file_error(shown, errno);
  return Descriptor(opened);
}

Result<std::vector<NamedFile>> names_in(Descriptor folder, std::size_t count_max, bool& is_whole) {
  std::vector<NamedFile> all;
  const int number = folder.number();
  if (is_virtual(number)) return all;
  const std::unique_ptr<DIR, CloseFolder> open(::fdopendir(number));
  if (!open) return file_error("", errno);
  folder.release();
  while (const dirent* const entry = ::readdir(open.get())) {
    const std::string name = entry->d_name;
    struct stat status {};
    if (name == "." || name == ".." ||
        ::fstatat(number, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
      continue;
    if (all.size() == count_max) {
      is_whole = false;
      break;
    }
    all.push_back({name, kind_of(status.st_mode), static_cast<std::uint64_t>(status.st_size)});
  }
  std::sort(all.begin(), all.end(),
            [](const NamedFile& a, const NamedFile& b) { return a.name < b.name; });
  return all;
}

}  // namespace hearth::tools
