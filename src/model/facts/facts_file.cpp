#include "model/facts/facts_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/fields.h"
#include "base/random.h"

namespace hearth::model::facts {
namespace {

using json = nlohmann::ordered_json;

/// The entries, oldest first; none if the file is missing or damaged: it is only a memory.
json read_entries(const std::string& facts_file) {
  std::ifstream in(facts_file, std::ios::binary);
  std::string text(kFactsFileBytesMax + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(std::max<std::streamsize>(in.gcount(), 0)));
  if (text.size() > kFactsFileBytesMax) return json::array();
  auto parsed = parse_json(text, facts_file);
  if (!parsed.ok() || !parsed.value().is_array()) return json::array();
  return std::move(parsed).value();
}

std::string key(const std::string& path) {  // a path is bytes; JSON wants text
  return to_hex({reinterpret_cast<const std::uint8_t*>(path.data()), path.size()});
}

json entry_body(const FileIdentity& file, const std::string& sha256) {
  return {{"path_hex", key(file.path)},
          {"size_bytes", file.size_bytes},
          {"changed_ns", file.changed_ns},
          {"inode", file.inode},
          {"sha256", sha256}};
}

bool is_hash(const std::string& text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

Error write_error(const std::string& path) {
  return {Code::Unavailable, "cannot write " + path + ": " + std::strerror(errno)};
}

Result<void> write_synced(const std::string& path, const std::string& text) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return write_error(path);
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t wrote = ::write(fd, text.data() + done, text.size() - done);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) break;
    done += static_cast<std::size_t>(wrote);
  }
  const bool good = done == text.size() && ::fsync(fd) == 0;
  const Error error = write_error(path);
  ::close(fd);
  if (!good) return error;
  return ok();
}

}  // namespace

std::optional<std::string> recall(const std::string& facts_file, const FileIdentity& file) {
  if (facts_file.empty()) return std::nullopt;
  for (const auto& entry : read_entries(facts_file)) {
    const auto fields = Fields::of(entry);
    const auto hash = fields.ok() ? fields.value().text("sha256") : Result<std::string>(Error{});
    if (hash.ok() && is_hash(hash.value()) && entry == entry_body(file, hash.value()))
      return hash.value();
  }
  return std::nullopt;
}

Result<void> remember(const std::string& facts_file, const FileIdentity& file,
                      const std::string& sha256) {
  if (facts_file.empty()) return ok();
  json kept = json::array();
  for (auto& entry : read_entries(facts_file)) {
    if (entry.is_object() && entry.value("path_hex", json()) != key(file.path))
      kept.push_back(std::move(entry));
  }
  kept.push_back(entry_body(file, sha256));
  while (kept.size() > kRememberedMax) kept.erase(kept.begin());

  std::error_code ignored;  // a folder that cannot be made shows when the file is opened
  std::filesystem::create_directories(std::filesystem::path(facts_file).parent_path(), ignored);
  const std::string fresh = facts_file + "." + std::to_string(random_u64());
  auto written = write_synced(fresh, kept.dump(1) + "\n");
  if (written.ok() && ::rename(fresh.c_str(), facts_file.c_str()) != 0)
    written = write_error(facts_file);
  if (!written.ok()) ::unlink(fresh.c_str());
  return written;
}

}  // namespace hearth::model::facts
