#include "app/daemon.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace hearth::app {
namespace {

Call soon() { return Call::within(Millis(20'000)); }

class DataDir {
 public:
  DataDir() {
    char name[] = "/tmp/hearth-daemon-XXXXXX";
    path_ = mkdtemp(name);
  }
  ~DataDir() { std::filesystem::remove_all(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

TEST(DaemonLock, SecondOneIsRefusedAndNamesThePid) {
  DataDir dir;
  const auto first = DaemonLock::acquire(soon(), dir.path());
  ASSERT_TRUE(first.ok()) << first.error().message;
  const auto second = DaemonLock::acquire(soon(), dir.path());
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, Code::Busy);
  EXPECT_NE(second.error().message.find(std::to_string(getpid())), std::string::npos)
      << second.error().message;
}

TEST(DaemonLock, CreatesThePrivateDirectory) {
  DataDir dir;
  const std::string inner = dir.path() + "/a/b";
  const auto lock = DaemonLock::acquire(soon(), inner);
  ASSERT_TRUE(lock.ok());
  struct stat status {};
  ASSERT_EQ(stat(inner.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700u);
}

TEST(DaemonLock, FreedWhenItEnds) {
  DataDir dir;
  { ASSERT_TRUE(DaemonLock::acquire(soon(), dir.path()).ok()); }
  EXPECT_TRUE(DaemonLock::acquire(soon(), dir.path()).ok());
}

/// Its lock is held until its memory is gone, and longer than its sockets are open.
TEST(DaemonLock, OneThatWasKilledIsWaitedFor) {
  constexpr std::size_t kMemoryBytes = 128UL * 1024 * 1024;
  DataDir dir;
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t child = fork();
  if (child == 0) {
    void* const memory = mmap(nullptr, kMemoryBytes, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    const auto lock = DaemonLock::acquire(soon(), dir.path());
    if (memory == MAP_FAILED || !lock.ok() || write(ready[1], "x", 1) != 1) _exit(1);
    for (;;) pause();
  }
  char byte = 0;
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  close(ready[0]);
  close(ready[1]);
  kill(child, SIGKILL);
  const auto lock = DaemonLock::acquire(soon(), dir.path());  // at once
  EXPECT_TRUE(lock.ok()) << lock.error().message;
  waitpid(child, nullptr, 0);
}

TEST(FindDaemon, TellsWhereItListens) {
  DataDir dir;
  EXPECT_FALSE(find_daemon(dir.path()).value().has_value());
  {
    auto lock = DaemonLock::acquire(soon(), dir.path());
    ASSERT_TRUE(lock.ok());
    const auto starting = find_daemon(dir.path());
    ASSERT_TRUE(starting.value().has_value());
    EXPECT_EQ(starting.value()->pid, getpid());
    EXPECT_EQ(starting.value()->port, 0);

    ASSERT_TRUE(lock.value().publish({.host = "127.0.0.1", .port = 4'321, .grpc = "[::1]:7"}).ok());
    const auto listening = find_daemon(dir.path());
    ASSERT_TRUE(listening.value().has_value());
    EXPECT_EQ(listening.value()->url(), "http://127.0.0.1:4321");
    EXPECT_EQ(listening.value()->grpc, "[::1]:7");
  }
  EXPECT_FALSE(find_daemon(dir.path()).value().has_value());
}

TEST(FindDaemon, AFileLeftByAKilledDaemonIsNoDaemon) {
  DataDir dir;
  const pid_t child = fork();
  if (child == 0) {
    auto lock = DaemonLock::acquire(soon(), dir.path());
    _exit(lock.ok() && lock.value().publish({.host = "127.0.0.1", .port = 1}).ok()
              ? 0
              : 1);  // no destructor: as if killed
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
  EXPECT_TRUE(std::filesystem::file_size(dir.path() + "/hearth.pid") > 0);
  EXPECT_FALSE(find_daemon(dir.path()).value().has_value());
}

TEST(DaemonInfo, UrlOfAnIpv6Address) {
  DaemonInfo info;
  info.host = "::1";
  info.port = 80;
  EXPECT_EQ(info.url(), "http://[::1]:80");
}

TEST(StopDaemon, NothingToStop) {
  DataDir dir;
  const auto stopped = stop_daemon(Call::within(Millis(1'000)), dir.path());
  ASSERT_TRUE(stopped.ok());
  EXPECT_FALSE(stopped.value());
}

}  // namespace
}  // namespace hearth::app
