#include "vault/key_file/key_file.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <span>
#include <system_error>

#include "base/random.h"

namespace hearth::vault {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  bool open() const { return fd_ >= 0; }

 private:
  const int fd_;
};

Error system_error(const std::string& what, const std::string& path) {
  return {Code::Unavailable, what + " " + path + ": " + std::strerror(errno)};
}

Result<void> check_file(int fd, const std::string& path) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) return system_error("cannot examine", path);
  if (!S_ISREG(status.st_mode)) return Error{Code::Corrupt, path + " is not a regular file"};
  if ((status.st_mode & 077) != 0)
    return Error{Code::Denied, "others may read the key file " + path + "; run: chmod 600 " + path};
  if (status.st_size != static_cast<off_t>(Seed{}.size()))
    return Error{Code::Corrupt,
                 "the key file " + path + " has " + std::to_string(status.st_size) +
                     " bytes instead of 32; restore it from a backup, or move it away "
                     "to get a new identity"};
  return ok();
}

Result<Seed> read_seed(int fd, const std::string& path) {
  TRY_VOID(check_file(fd, path));
  Seed seed{};
  const ssize_t count = ::pread(fd, seed.data(), seed.size(), 0);
  if (count < 0) return system_error("cannot read", path);
  if (count != static_cast<ssize_t>(seed.size()))
    return Error{Code::Corrupt, "the key file " + path + " was cut short while it was read"};
  return seed;
}

Result<void> write_seed(int fd, const std::string& path) {
  Seed seed{};
  fill_random(seed);
  const ssize_t count = ::write(fd, seed.data(), seed.size());
  OPENSSL_cleanse(seed.data(), seed.size());
  if (count != static_cast<ssize_t>(seed.size()) || ::fsync(fd) != 0)
    return system_error("cannot write", path);
  return ok();
}

/// Gives the finished file its name unless that is taken by now; then the other one holds.
Result<void> publish(const std::string& temporary, const std::string& path) {
  if (::link(temporary.c_str(), path.c_str()) == 0 || errno == EEXIST) return ok();
  // File systems without hard links (FAT, some network ones).
  if (::renameat2(AT_FDCWD, temporary.c_str(), AT_FDCWD, path.c_str(), RENAME_NOREPLACE) == 0 ||
      errno == EEXIST)
    return ok();
  return system_error("cannot create", path);
}

Result<void> sync_directory(const std::string& directory) {
  const Descriptor handle(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!handle.open() || ::fsync(handle.get()) != 0) return system_error("cannot sync", directory);
  return ok();
}

Result<std::string> make_parent(const std::string& path) {
  namespace fs = std::filesystem;
  const fs::path parent = fs::path(path).has_parent_path() ? fs::path(path).parent_path() : ".";
  std::error_code problem;
  const bool created = fs::create_directories(parent, problem);
  if (created) fs::permissions(parent, fs::perms::owner_all, problem);
  if (problem)
    return Error{Code::Unavailable, "cannot create " + parent.string() + ": " + problem.message()};
  return parent.string();
}

Result<void> create(const std::string& path) {
  TRY(const std::string directory, make_parent(path));
  std::string temporary = path + ".new.XXXXXX";
  const Descriptor file(::mkostemp(temporary.data(), O_CLOEXEC));  // mode 0600
  if (!file.open()) return system_error("cannot create", path);
  auto written = write_seed(file.get(), path);
  if (written.ok()) written = publish(temporary, path);
  ::unlink(temporary.c_str());
  TRY_VOID(std::move(written));
  return sync_directory(directory);
}

}  // namespace

Result<Seed> read_or_create_seed(const std::string& path) {
  // Not blocking: a FIFO in the file's place must be refused, not waited for.
  constexpr int kFlags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;
  const Descriptor existing(::open(path.c_str(), kFlags));
  if (existing.open()) return read_seed(existing.get(), path);
  if (errno != ENOENT) return system_error("cannot read", path);

  TRY_VOID(create(path));
  const Descriptor created(::open(path.c_str(), kFlags));
  if (!created.open()) return system_error("cannot read", path);
  return read_seed(created.get(), path);
}

}  // namespace hearth::vault
