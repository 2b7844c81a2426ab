#include "app/daemon.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "net/client.h"
#include "process/own_executable.h"

extern char** environ;

namespace hearth::app {
namespace {

constexpr Millis kPollInterval{20};
constexpr std::uintmax_t kLogBytesMax = 4 * 1024 * 1024;
constexpr std::size_t kLogTailBytes = 2'048;

std::string pid_path(const std::string& data_dir) { return data_dir + "/hearth.pid"; }
std::string log_path(const std::string& data_dir) { return data_dir + "/hearth.log"; }

Error system_error(const std::string& what) {
  return {Code::Unavailable, what + ": " + std::strerror(errno)};
}

/// Open-file-description locks: unlike flock they can be asked about without being taken, so
/// looking for a daemon never stands in the way of one that is starting.
struct flock whole_file(short type) {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  return lock;
}

std::optional<DaemonInfo> parse_pid_file(int fd) {
  char text[1'024];
  const ssize_t size = pread(fd, text, sizeof text, 0);
  if (size <= 0) return std::nullopt;
  const auto json =
      nlohmann::ordered_json::parse(text, text + size, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return std::nullopt;
  DaemonInfo info;
  const auto number = [&](const char* name) -> std::int64_t {
    const auto found = json.find(name);
    return found != json.end() && found->is_number_integer() ? found->get<std::int64_t>() : 0;
  };
  const auto text_of = [&](const char* name) -> std::string {
    const auto found = json.find(name);
    return found != json.end() && found->is_string() ? found->get<std::string>() : "";
  };
  info.pid = static_cast<pid_t>(number("pid"));
  info.port = static_cast<std::uint16_t>(number("port"));
  info.host = text_of("host");
  info.grpc = text_of("grpc");
  info.version = text_of("version");
  return info;
}

/// Whether the process is on its way out: killed, but not gone, or gone. Such a one holds what it
/// had locked until the kernel has taken its memory away, which is longer than its sockets live.
bool is_ending(pid_t pid) {
  constexpr unsigned long kExiting = 0x4;  // PF_EXITING
  constexpr unsigned long kKilled = 1UL << (SIGKILL - 1);
  constexpr std::size_t kFlags = 6, kPending = 28;  // behind the name; man 5 proc, /proc/PID/stat
  if (pid <= 0) return true;  // the file does not say yet whose it is, or not any more
  if (kill(pid, 0) != 0 && errno == ESRCH) return true;
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  std::istringstream words(text.substr(std::min(text.size(), text.rfind(')') + 1)));
  const std::vector<std::string> fields(std::istream_iterator<std::string>(words), {});
  if (fields.size() <= kPending) return false;  // nobody tells
  const auto bits = [&](std::size_t field) {
    return std::strtoul(fields[field].c_str(), nullptr, 10);
  };
  return fields[0] == "Z" || fields[0] == "X" || (bits(kFlags) & kExiting) != 0 ||
         (bits(kPending) & kKilled) != 0;
}

/// Waits only for a holder that is ending.
bool take_lock(const Call& call, int fd) {
  for (;;) {
    auto lock = whole_file(F_WRLCK);
    if (fcntl(fd, F_OFD_SETLK, &lock) == 0) return true;
    const auto other = parse_pid_file(fd);
    const bool may_wait = Clock::now() < call.deadline && !call.stop.stop_requested();
    if (!may_wait || !is_ending(other ? other->pid : 0)) return false;
    std::this_thread::sleep_for(kPollInterval);
  }
}

Result<void> write_pid_file(int fd, const std::string& path, const DaemonInfo& here) {
  const nlohmann::ordered_json json = {{"pid", getpid()},
                                       {"host", here.host},
                                       {"port", here.port},
                                       {"grpc", here.grpc},
                                       {"version", HEARTH_VERSION}};
  const std::string text = json.dump() + "\n";
  // Longer first, then cut, so that a reader never sees an empty file after the first write.
  const bool written =
      pwrite(fd, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()) &&
      ftruncate(fd, static_cast<off_t>(text.size())) == 0;
  if (!written) return system_error("cannot write " + path);
  return ok();
}

/// What the log gained since `from`, at most its last kLogTailBytes, whole lines.
std::string log_since(const std::string& path, std::uintmax_t from) {
  std::ifstream file(path, std::ios::binary);
  std::error_code ignored;
  const auto size = std::filesystem::file_size(path, ignored);
  if (!file || ignored || size <= from) return "(its log is empty)";
  const bool cut = size - from > kLogTailBytes;
  file.seekg(static_cast<std::streamoff>(cut ? size - kLogTailBytes : from));
  std::string tail((std::istreambuf_iterator<char>(file)), {});
  if (cut) tail.erase(0, tail.find('\n') + 1);
  while (!tail.empty() && tail.back() == '\n') tail.pop_back();
  return tail;
}

/// Opens the log for appending; above kLogBytesMax the old one moves to hearth.log.1.
Result<int> open_log(const std::string& path) {
  std::error_code ignored;
  const auto size = std::filesystem::file_size(path, ignored);
  if (!ignored && size > kLogBytesMax) std::filesystem::rename(path, path + ".1", ignored);
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) return system_error("cannot open " + path);
  return fd;
}

/// A descriptor that reads as an empty file. An empty chroot has no /dev/null.
Result<int> open_empty_input() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return system_error("cannot start the daemon: pipe");
  close(ends[1]);
  return ends[0];
}

Result<pid_t> spawn_serve(const std::vector<std::string>& serve_arguments, int log_fd) {
  std::vector<std::string> words = {"hearth", "serve"};
  words.insert(words.end(), serve_arguments.begin(), serve_arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  TRY(const int input, open_empty_input());

  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, input, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&files, log_fd, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&files, log_fd, STDERR_FILENO);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);

  pid_t pid = 0;
  const std::string program = process::own_executable();
  const int status = posix_spawn(&pid, program.c_str(), &files, &attributes, argv.data(), environ);
  close(input);
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&attributes);
  if (status != 0)
    return Error{Code::Unavailable,
                 std::string("cannot start the daemon: ") + std::strerror(status)};
  return pid;
}

bool answers_health(const Call& call, const DaemonInfo& info) {
  if (info.port == 0) return false;
  net::ClientRequest request{.host = info.host, .port = info.port, .target = "/health"};
  const auto response = net::fetch(call.at_most(Millis(1'000)), request);
  return response.ok() && response.value().status == 200;
}

/// Waits for the daemon of `data_dir` to answer. `child` is the process that we started for it;
/// when it ends early because another one won the race, that other one is waited for.
Result<DaemonInfo> wait_for_health(const Call& call, const std::string& data_dir, pid_t child,
                                   const std::function<std::string()>& log) {
  bool ended = false;
  while (Clock::now() < call.deadline && !call.stop.stop_requested()) {
    TRY(const auto info, find_daemon(data_dir));
    if (info && answers_health(call, *info)) return *info;
    if (ended && !info)
      return Error{Code::Unavailable, "the daemon ended while starting:\n" + log()};
    int status = 0;
    if (!ended) ended = waitpid(child, &status, WNOHANG) == child;
    std::this_thread::sleep_for(kPollInterval);
  }
  return Error{Code::Timeout, "the daemon did not answer in time:\n" + log()};
}

}  // namespace

std::string DaemonInfo::url() const {
  const bool is_v6 = host.find(':') != std::string::npos;
  return "http://" + (is_v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Result<DaemonLock> DaemonLock::acquire(const Call& call, const std::string& data_dir) {
  std::error_code error;
  if (std::filesystem::create_directories(data_dir, error)) chmod(data_dir.c_str(), 0700);
  if (error)
    return Error{Code::Unavailable, "cannot create " + data_dir + ": " + error.message(),
                 "data_dir"};
  const std::string path = pid_path(data_dir);
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return system_error("cannot open " + path);
  DaemonLock mine(fd, path);
  if (!take_lock(call, fd)) {
    const auto other = parse_pid_file(fd);
    close(std::exchange(mine.fd_, -1));
    const std::string who = other ? " (pid " + std::to_string(other->pid) + ")" : "";
    const std::string where = other && other->port != 0 ? " at " + other->url() : "";
    return Error{Code::Busy,
                 "another daemon" + who + " already serves the data directory " + data_dir + where};
  }
  TRY_VOID(write_pid_file(fd, path, {}));
  return mine;
}

DaemonLock::DaemonLock(DaemonLock&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), path_(std::move(other.path_)) {}

DaemonLock::~DaemonLock() {
  if (fd_ < 0) return;
  // The file stays: removing it would let two daemons lock two files of the same name.
  if (ftruncate(fd_, 0) != 0) unlink(path_.c_str());
  close(fd_);
}

Result<void> DaemonLock::publish(const DaemonInfo& here) {
  return write_pid_file(fd_, path_, here);
}

Result<std::optional<DaemonInfo>> find_daemon(const std::string& data_dir) {
  const std::string path = pid_path(data_dir);
  const int fd = open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT) return std::optional<DaemonInfo>();
  if (fd < 0) return system_error("cannot open " + path);
  auto lock = whole_file(F_WRLCK);
  const bool asked = fcntl(fd, F_OFD_GETLK, &lock) == 0;
  auto info = parse_pid_file(fd);
  close(fd);
  if (!asked) return system_error("cannot read the lock of " + path);
  if (lock.l_type == F_UNLCK) return std::optional<DaemonInfo>();
  return info ? info : std::optional<DaemonInfo>(DaemonInfo{});
}

Result<DaemonInfo> ensure_daemon(const Call& call, const std::string& data_dir,
                                 const std::vector<std::string>& serve_arguments) {
  TRY(const auto running, find_daemon(data_dir));
  if (running && answers_health(call, *running)) return *running;

  std::error_code error;
  if (std::filesystem::create_directories(data_dir, error)) chmod(data_dir.c_str(), 0700);
  const std::string path = log_path(data_dir);
  TRY(const int log_fd, open_log(path));
  const auto log_start = std::filesystem::file_size(path, error);
  auto child = spawn_serve(serve_arguments, log_fd);
  close(log_fd);
  TRY(const pid_t pid, std::move(child));
  return wait_for_health(call, data_dir, pid, [&] { return log_since(path, log_start); });
}

Result<bool> stop_daemon(const Call& call, const std::string& data_dir) {
  TRY(const auto running, find_daemon(data_dir));
  if (!running || running->pid <= 0) return false;
  if (kill(running->pid, SIGTERM) != 0)
    return system_error("cannot signal pid " + std::to_string(running->pid));
  while (Clock::now() < call.deadline && !call.stop.stop_requested()) {
    TRY(const auto still, find_daemon(data_dir));
    if (!still || still->pid != running->pid) return true;
    std::this_thread::sleep_for(kPollInterval);
  }
  return Error{Code::Timeout, "the daemon (pid " + std::to_string(running->pid) +
                                  ") is still finishing its answers"};
}

}  // namespace hearth::app
