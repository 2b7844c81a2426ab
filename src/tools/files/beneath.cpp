#include "tools/files/beneath.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "base/utf8.h"

namespace hearth::tools {
namespace {

constexpr int kTriesMax = 16;  // a rename elsewhere makes the kernel unsure, and it says EAGAIN
constexpr std::size_t kShownBytesMax = 200;

int open_by_kernel(const Beneath& where, const std::string& path, int flags, Links links) {
  struct open_how how {};
  how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  if (links == Links::Refused) how.resolve |= RESOLVE_NO_SYMLINKS;
  for (int tries = 0; tries < kTriesMax; ++tries) {
    const long opened = ::syscall(SYS_openat2, where.folder, path.c_str(), &how, sizeof(how));
    if (opened >= 0) return static_cast<int>(opened);
    if (errno != EAGAIN && errno != EINTR) return -errno;
  }
  return -EAGAIN;
}

bool is_link(int descriptor) {
  struct stat status {};
  return ::fstat(descriptor, &status) == 0 && S_ISLNK(status.st_mode);
}

int open_part(int folder, const std::string& part, int flags) {
  const int opened = ::openat(folder, part.c_str(), flags | O_NOFOLLOW | O_CLOEXEC);
  if (opened < 0) return -errno;
  if ((flags & O_PATH) == 0 || !is_link(opened)) return opened;
  ::close(opened);
  return -ELOOP;
}

/// Part by part: what a part names is settled once it is open, whatever is renamed meanwhile.
int open_by_parts(int folder, const std::string& path, int flags) {
  Descriptor at;
  std::string_view rest = path;
  for (;;) {
    const std::size_t slash = rest.find('/');
    const bool is_last = slash == std::string_view::npos;
    const std::string part(rest.substr(0, slash));
    if (part == "..") return -EXDEV;
    const int from = at.is_open() ? at.number() : folder;
    const int opened = open_part(from, part, is_last ? flags : O_PATH);
    if (opened < 0 || is_last) return opened;
    at = Descriptor(opened);
    rest.remove_prefix(slash + 1);
  }
}

}  // namespace

int open_beneath(const Beneath& where, const std::string& path, int flags, Links links) {
  const std::string relative = path.empty() ? "." : path;
  if (where.kernel_resolves) {
    const int opened = open_by_kernel(where, relative, flags, links);
    // Some sandboxes say EPERM for a system call that they do not know.
    if (opened != -ENOSYS && opened != -EPERM) return opened;
  }
  return open_by_parts(where.folder, relative, flags);
}

Error file_error(const std::string& path, int number) {
  const std::string shown = "path: " + to_utf8(path.substr(0, kShownBytesMax)) + " ";
  const auto error = [&](Code code, const char* what) { return Error{code, shown + what, "path"}; };
  switch (number) {
    case ENOENT: return error(Code::NotFound, "does not exist");
    case ENOTDIR: return error(Code::NotFound, "is not in a folder: a part of it is a file");
    case EXDEV: return error(Code::Denied, "leads out of the workspace");
    case ELOOP: return error(Code::Denied, "leads through a symlink that is not followed");
    case EACCES:
    case EPERM:
    case EROFS: return error(Code::Denied, "may not be opened: the system says no");
    case ENAMETOOLONG: return error(Code::TooLarge, "has a name that is too long");
    case ENOSPC:
    case EDQUOT: return error(Code::TooLarge, "does not fit: the disk is full");
    case EFBIG: return error(Code::TooLarge, "does not fit: the system limits its size");
    case EISDIR: return error(Code::InvalidInput, "is a folder");
    default: return {Code::Unavailable, shown + "cannot be used: " + std::strerror(number), "path"};
  }
}

Result<void> still_wanted(const Call& call) {
  if (call.stop.stop_requested()) return Error{Code::Cancelled, "stopped"};
  if (Clock::now() >= call.deadline) return Error{Code::Timeout, "took too long"};
  return ok();
}

}  // namespace hearth::tools
