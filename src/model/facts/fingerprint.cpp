#include "model/facts/fingerprint.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "base/log.h"
#include "engine/builtin_model.h"
#include "model/facts/facts_file.h"
#include "vault/secret.h"
#include "vault/sha256.h"

namespace hearth::model::facts {
namespace {

constexpr std::size_t kPieceBytes = 1024 * 1024;

struct Descriptor {
  int value;
  ~Descriptor() {
    if (value >= 0) ::close(value);
  }
};

Error file_error(const std::string& path) {
  const Code code = errno == ENOENT ? Code::NotFound : Code::Unavailable;
  return {code, "cannot read " + path + ": " + std::strerror(errno)};
}

/// Hashing gigabytes must not slow down the first answers. Only manners: may be refused.
void become_nice() {
  constexpr int kLowest = 19, kWhoProcess = 1, kIdleClass = 3 << 13;  // linux/ioprio.h
  const auto thread = static_cast<id_t>(::gettid());
  ::setpriority(PRIO_PROCESS, thread, kLowest);
  ::syscall(SYS_ioprio_set, kWhoProcess, thread, kIdleClass);
}

Result<FileIdentity> identify(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return file_error(path);
  return FileIdentity{
      .path = path,
      .size_bytes = static_cast<std::uint64_t>(status.st_size),
      .changed_ns = status.st_mtim.tv_sec * 1'000'000'000LL + status.st_mtim.tv_nsec,
      .inode = status.st_ino};
}

Result<std::string> find_for_file(const std::stop_token& stop, const std::string& path,
                                  const std::string& facts_file) {
  TRY(const auto before, identify(path));
  if (auto known = recall(facts_file, before)) return *std::move(known);
  become_nice();
  TRY(auto hash, hash_file(stop, path));
  TRY(const auto after, identify(path));
  if (!(before == after)) return Error{Code::Unavailable, path + " changed while it was read"};
  const auto kept = remember(facts_file, after, hash);
  if (!kept.ok()) log::warn("{}", kept.error().message);
  return hash;
}

}  // namespace

Result<std::string> hash_file(const std::stop_token& stop, const std::string& path) {
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.value < 0) return file_error(path);
  vault::Sha256 hash;
  std::vector<char> piece(kPieceBytes);
  while (!stop.stop_requested()) {
    const ssize_t got = ::read(file.value, piece.data(), piece.size());
    if (got == 0) return hash.hex();
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return file_error(path);
    hash.add({piece.data(), static_cast<std::size_t>(got)});
  }
  return Error{Code::Cancelled, "stopped while reading " + path};
}

std::string find_fingerprint(const std::stop_token& stop, const std::string& path,
                             const std::string& facts_file) {
  if (path.empty()) {
    std::string hash = vault::sha256_hex(engine::builtin_model_bytes());
    engine::release_builtin_model_pages();
    return hash;
  }
  auto hash = find_for_file(stop, path, facts_file);
  if (hash.ok()) return std::move(hash).value();
  if (hash.error().code != Code::Cancelled) log::warn("no fingerprint: {}", hash.error().message);
  return "";
}

}  // namespace hearth::model::facts
