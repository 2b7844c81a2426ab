#include <fcntl.h>
#include <openssl/crypto.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "vault/secret.h"

namespace hearth::vault {
namespace {

Error system_error(const std::string& what, const std::string& path) {
  return {errno == ENOENT ? Code::NotFound : Code::Unavailable,
          what + " " + path + ": " + std::strerror(errno)};
}

Result<void> check_file(int fd, const std::string& path) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) return system_error("cannot examine", path);
  if (!S_ISREG(status.st_mode)) return Error{Code::Corrupt, path + " is not a regular file"};
  if ((status.st_mode & 077) != 0)
    return Error{Code::Denied, "others may read the key in " + path + "; run: chmod 600 " + path};
  if (status.st_size > static_cast<off_t>(kSecretFileBytesMax))
    return Error{Code::TooLarge, path + " has more than 4096 bytes"};
  return ok();
}

}  // namespace

Result<Secret> read_secret_file(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return system_error("cannot open", path);
  auto checked = check_file(fd, path);
  std::array<char, kSecretFileBytesMax> bytes{};
  const ssize_t count = checked.ok() ? ::read(fd, bytes.data(), bytes.size()) : 0;
  const Error unread = system_error("cannot read", path);
  ::close(fd);
  if (!checked.ok()) return checked.error();
  if (count < 0) return unread;
  std::string text(bytes.data(), static_cast<std::size_t>(count));
  OPENSSL_cleanse(bytes.data(), bytes.size());
  text.resize(text.find_last_not_of(" \t\r\n") + 1);
  const bool is_line = !text.empty() && text.find_first_of("\r\n") == std::string::npos;
  Secret secret(text);
  OPENSSL_cleanse(text.data(), text.size());
  if (!is_line) return Error{Code::Corrupt, path + " must hold the key, on one line"};
  return secret;
}

}  // namespace hearth::vault
