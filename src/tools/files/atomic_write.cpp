#include "tools/files/atomic_write.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "base/random.h"
#include "tools/files/beneath.h"
#include "tools/files/descriptor.h"

namespace hearth::tools {
namespace {

constexpr std::size_t kWriteBytes = 1024 * 1024;  // between two looks at the call

Result<void> write_all(const Call& call, const Descriptor& file, const FileName& target,
                       std::string_view bytes) {
  while (!bytes.empty()) {
    TRY_VOID(still_wanted(call));
    const ssize_t put = ::write(file.number(), bytes.data(), std::min(bytes.size(), kWriteBytes));
    if (put < 0 && errno != EINTR) return file_error(target.shown, errno);
    bytes.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(put, 0)));
  }
  return ok();
}

Result<void> fill(const Call& call, const Descriptor& file, const FileName& target,
                  std::string_view bytes, mode_t mode) {
  TRY_VOID(write_all(call, file, target, bytes));
  if (::fchmod(file.number(), mode & 0777) != 0 || ::fsync(file.number()) != 0)
    return file_error(target.shown, errno);
  return ok();
}

/// Without a name until it is whole. False if that cannot be had here: the file system knows no
/// such files, or there is no /proc to name one by.
Result<bool> fill_nameless(const Call& call, const FileName& target, const std::string& beside,
                           std::string_view bytes, mode_t mode) {
  const Descriptor file(::openat(target.folder, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600));
  if (!file.is_open()) return false;
  TRY_VOID(fill(call, file, target, bytes, mode));
  const std::string self = "/proc/self/fd/" + std::to_string(file.number());
  return ::linkat(AT_FDCWD, self.c_str(), target.folder, beside.c_str(), AT_SYMLINK_FOLLOW) == 0;
}

Result<void> fill_named(const Call& call, const FileName& target, const std::string& beside,
                        std::string_view bytes, mode_t mode) {
  const Descriptor file(::openat(target.folder, beside.c_str(),
                                 O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file.is_open()) return file_error(target.shown, errno);
  return fill(call, file, target, bytes, mode);
}

Result<void> write_beside(const Call& call, const FileName& target, const std::string& beside,
                          std::string_view bytes, mode_t mode) {
  TRY(const bool done, fill_nameless(call, target, beside, bytes, mode));
  return done ? ok() : fill_named(call, target, beside, bytes, mode);
}

}  // namespace

Result<void> write_atomically(const Call& call, const FileName& target, std::string_view bytes,
                              mode_t mode) {
  const std::string beside = random_id(kBesidePrefix);
  auto done = write_beside(call, target, beside, bytes, mode);
  if (done.ok() &&
      ::renameat(target.folder, beside.c_str(), target.folder, target.name.c_str()) != 0)
    done = file_error(target.shown, errno);
  if (!done.ok()) {
    ::unlinkat(target.folder, beside.c_str(), 0);
    return done;
  }
  // The new bytes stand there already; without this a power cut may bring the old ones back.
  if (::fsync(target.folder) != 0) return file_error(target.shown, errno);
  return ok();
}

}  // namespace hearth::tools
