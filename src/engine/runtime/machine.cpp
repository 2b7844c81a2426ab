#include "engine/runtime/machine.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <limits>
#include <optional>
#include <sstream>
#include <vector>

namespace hearth::engine {
namespace {

constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();

std::string read_text(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return std::move(text).str();
}

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [rest, status] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (status != std::errc{} || rest == text.data()) return std::nullopt;
  return value;
}

/// The number behind `key` in lines of the form "key   123 kB".
std::optional<std::uint64_t> value_of(const std::string& text, std::string_view key) {
  std::istringstream lines(text);
  std::string line;
  while (std::getline(lines, line)) {
    if (!line.starts_with(key)) continue;
    const std::size_t digits = line.find_first_of("0123456789", key.size());
    if (digits == std::string::npos) return std::nullopt;
    return number(std::string_view(line).substr(digits));
  }
  return std::nullopt;
}

/// The folders of our cgroup and of all above it; any of them may set a limit.
std::vector<std::string> cgroup_folders(const std::string& root) {
  std::istringstream lines(read_text(root + "/proc/self/cgroup"));
  std::string line;
  std::string path;
  while (std::getline(lines, line)) {
    if (line.starts_with("0::")) path = line.substr(3);
  }
  std::vector<std::string> folders;
  while (!path.empty() && path != "/") {
    folders.push_back(root + "/sys/fs/cgroup" + path);
    path.resize(path.find_last_of('/'));
  }
  folders.push_back(root + "/sys/fs/cgroup");
  return folders;
}

std::uint64_t cgroup_memory_left(const std::string& folder) {
  const auto limit = number(read_text(folder + "/memory.max"));
  const auto used = number(read_text(folder + "/memory.current"));
  if (!limit || !used) return kUnlimited;
  // File pages count as used, but the kernel gives them back when asked.
  const std::uint64_t cached = value_of(read_text(folder + "/memory.stat"), "file ").value_or(0);
  const std::uint64_t held = *used - std::min(*used, cached);
  return *limit - std::min(*limit, held);
}

std::uint32_t cgroup_cores(const std::string& folder) {
  std::istringstream quota(read_text(folder + "/cpu.max"));  // "150000 100000" or "max 100000"
  std::uint64_t allowed_us = 0, period_us = 0;
  if (!(quota >> allowed_us >> period_us) || period_us == 0)
    return std::numeric_limits<std::uint32_t>::max();
  return static_cast<std::uint32_t>(std::max<std::uint64_t>(1, allowed_us / period_us));
}

}  // namespace

std::uint32_t Machine::cores() const {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::uint32_t cores = 1;
  if (sched_getaffinity(0, sizeof(set), &set) == 0)
    cores = static_cast<std::uint32_t>(std::max(1, CPU_COUNT(&set)));
  for (const std::string& folder : cgroup_folders(root))
    cores = std::min(cores, cgroup_cores(folder));
  return cores;
}

std::uint64_t Machine::memory_available_bytes() const {
  const auto available_kib = value_of(read_text(root + "/proc/meminfo"), "MemAvailable:");
  std::uint64_t bytes = available_kib ? *available_kib * 1024 : kUnlimited;
  for (const std::string& folder : cgroup_folders(root))
    bytes = std::min(bytes, cgroup_memory_left(folder));
  return bytes;
}

std::uint64_t Machine::resident_bytes() const {
  std::istringstream pages(read_text(root + "/proc/self/statm"));
  std::uint64_t size = 0, resident = 0;
  pages >> size >> resident;
  return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace hearth::engine
