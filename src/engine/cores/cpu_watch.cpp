#include "engine/cores/cpu_watch.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <ctime>
#include <memory>
#include <string_view>
#include <vector>

namespace hearth::engine {
namespace {

constexpr std::size_t kStatBytesMax = 128 * 1024;  // /proc/stat of some 1,000 CPUs
constexpr int kThreadsMax = 1'024;                 // of ours that are looked at
constexpr std::size_t kColumns = 8;  // user nice system idle iowait irq softirq steal, of a CPU

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

/// The beginning of a file of /proc; empty if it cannot be read.
std::string read_start(const std::string& path, std::size_t bytes_max) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return {};
  std::string text(bytes_max, '\0');
  std::size_t size = 0;
  ssize_t got = 0;
  while (size < bytes_max && (got = ::read(fd, text.data() + size, bytes_max - size)) > 0)
    size += static_cast<std::size_t>(got);
  ::close(fd);
  text.resize(size);
  return text;
}

/// The whole numbers at the start of `text`, separated by spaces, at most `count`.
std::vector<std::uint64_t> numbers(std::string_view text, std::size_t count) {
  std::vector<std::uint64_t> values;
  while (values.size() < count) {
    const std::size_t start = text.find_first_not_of(' ');
    if (start == text.npos) break;
    text.remove_prefix(start);
    std::uint64_t value = 0;
    const auto [rest, status] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (status != std::errc{}) break;
    values.push_back(value);
    text.remove_prefix(static_cast<std::size_t>(rest - text.data()));
  }
  return values;
}

Micros from_ticks(std::uint64_t ticks) {
  const auto per_second = static_cast<std::uint64_t>(std::max(1L, ::sysconf(_SC_CLK_TCK)));
  return Micros(static_cast<std::int64_t>(ticks * 1'000'000 / per_second));
}

Micros micros(const timeval& time) {
  return std::chrono::seconds(time.tv_sec) + Micros(time.tv_usec);
}

double share(Micros part, Micros window) {
  return std::max(0.0, static_cast<double>(part.count()) / static_cast<double>(window.count()));
}

}  // namespace

CpuWatch::CpuWatch(std::string root) : root_(std::move(root)) {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return;
  for (std::size_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) allowed_ += CPU_ISSET(cpu, &set) ? '1' : '0';
  cpus_ = static_cast<std::uint32_t>(std::max(1, CPU_COUNT(&set)));
}

std::optional<Look> CpuWatch::look(Clock::time_point now) {
  if (looked_ && now - *looked_ < kEvery) return std::nullopt;
  const Sums sums = read_own();
  const bool first = !looked_;
  Look look;
  if (!first) look.window = std::chrono::duration_cast<Micros>(now - *looked_);
  if (sums.queue_delay && before_.queue_delay)
    look.queue_delay = std::max(Micros(0), *sums.queue_delay - *before_.queue_delay);
  if (sums.switches && before_.switches) look.switches = *sums.switches - *before_.switches;
  look.others = look_at_others(now);
  looked_ = now;
  before_ = sums;
  if (first) return std::nullopt;
  return look;
}

std::optional<Look::Others> CpuWatch::look_at_others(Clock::time_point now) {
  const auto window = std::chrono::duration_cast<Micros>(now - others_looked_);
  if (others_before_ && window < kOthersEvery) return std::nullopt;
  const auto others = read_others();
  const auto before = others_before_;
  others_looked_ = now;
  others_before_ = others;
  if (!others || !before) return std::nullopt;
  return Look::Others{.cores = share(others->time - before->time, window),
                      .nice_cores = share(others->nice - before->nice, window),
                      .window = window};
}

CpuWatch::Sums CpuWatch::read_own() const {
  Sums sums;
  rusage usage{};
  if (::getrusage(RUSAGE_SELF, &usage) == 0)
    sums.switches = static_cast<std::uint64_t>(usage.ru_nivcsw);
  const std::string folder = root_ + "/proc/self/task";
  const std::unique_ptr<DIR, CloseDirectory> tasks(::opendir(folder.c_str()));
  for (int seen = 0; tasks && seen < kThreadsMax; ++seen) {
    const dirent* task = ::readdir(tasks.get());
    if (!task) break;
    if (task->d_name[0] == '.') continue;
    // "time on a core, time waiting for one, timeslices", in nanoseconds
    const auto values = numbers(read_start(folder + "/" + task->d_name + "/schedstat", 128), 2);
    if (values.size() == 2)
      sums.queue_delay = sums.queue_delay.value_or(Micros(0)) +
                         Micros(static_cast<std::int64_t>(values[1] / 1'000));
  }
  return sums;
}

std::optional<CpuWatch::Busy> CpuWatch::read_others() const {
  const std::string stat = read_start(root_ + "/proc/stat", kStatBytesMax);
  std::string_view text = stat;
  std::uint64_t ticks = 0, nice_ticks = 0;
  bool found = false;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (!line.starts_with("cpu") || line.size() < 5) break;
    if (line[3] == ' ') continue;  // all CPUs together
    std::size_t cpu = 0;
    const auto [rest, status] = std::from_chars(line.data() + 3, line.data() + line.size(), cpu);
    if (status != std::errc{} || cpu >= allowed_.size() || allowed_[cpu] != '1') continue;
    const auto values =
        numbers(line.substr(static_cast<std::size_t>(rest - line.data())), kColumns);
    if (values.size() < kColumns) return std::nullopt;
    ticks += values[0] + values[2] + values[5] + values[6] + values[7];
    nice_ticks += values[1];
    found = true;
  }
  if (!found) return std::nullopt;
  rusage own{};
  ::getrusage(RUSAGE_SELF, &own);
  const bool we_are_nice = ::getpriority(PRIO_PROCESS, 0) > 0;
  const Micros user = micros(own.ru_utime);
  return Busy{from_ticks(ticks) - micros(own.ru_stime) - (we_are_nice ? Micros(0) : user),
              from_ticks(nice_ticks) - (we_are_nice ? user : Micros(0))};
}

}  // namespace hearth::engine
