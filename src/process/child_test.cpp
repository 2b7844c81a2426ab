#include "process/child.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <future>

namespace hearth::process {
namespace {

Call soon() { return Call::within(Millis(20'000)); }
Call forever() { return {Clock::time_point::max(), {}}; }

std::unique_ptr<Child> shell(const std::string& script) {
  auto child = Child::spawn({.arguments = {"-c", script}, .executable = "/bin/sh"});
  EXPECT_TRUE(child.ok()) << child.error().message;
  return std::move(child).value();
}

/// This test program again, as the role that a DISABLED_ test below plays.
std::unique_ptr<Child> role(const std::string& name) {
  auto child = Child::spawn({.arguments = {"--gtest_also_run_disabled_tests", "--gtest_brief=1",
                                           "--gtest_filter=Role.DISABLED_" + name}});
  EXPECT_TRUE(child.ok()) << child.error().message;
  return std::move(child).value();
}

/// The payload of the first frame that `script` sends.
std::string said_by(const std::string& script) {
  auto child = shell(script);
  const auto frame = child->channel().receive(soon());
  EXPECT_TRUE(frame.ok()) << frame.error().message;
  return frame.ok() ? frame.value().payload : "";
}

/// Shell text that sends `command`'s output (under 256 bytes) as one frame.
std::string frame_of(const std::string& command) {
  return "text=$(" + command +
         "); printf \"$(printf '\\\\%03o\\\\000\\\\000\\\\000\\\\001\\\\001' ${#text})\" >&3; "
         "printf %s \"$text\" >&3";
}

std::size_t open_descriptors() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd"))
    ++count;
  return count;
}

bool ends(pid_t pid) {
  const int pidfd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (pidfd < 0) return errno == ESRCH;
  pollfd waiting{pidfd, POLLIN, 0};
  const bool ended = ::poll(&waiting, 1, 20'000) == 1;
  ::close(pidfd);
  return ended;
}

TEST(Child, TellsHowItEnded) {
  struct Case {
    const char* script;
    int code, signal;
    const char* text;
  };
  const Case kCases[] = {{"exit 0", 0, 0, "exit code 0"},
                         {"exit 255", 255, 0, "exit code 255"},
                         {"kill -9 $$", 0, 9, "killed by signal 9 (Killed)"},
                         {"kill -11 $$", 0, 11, "killed by signal 11 (Segmentation fault)"}};
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.script);
    auto child = shell(c.script);
    const auto status = child->wait(forever());
    ASSERT_TRUE(status.ok());
    EXPECT_EQ(status.value().code, c.code);
    EXPECT_EQ(status.value().signal, c.signal);
    EXPECT_EQ(status.value().text(), c.text);
    EXPECT_EQ(child->wait(soon()).value().text(), c.text);  // any number of times
    EXPECT_EQ(child->ended()->text(), c.text);
  }
}

TEST(Child, SaysWhyAProgramCannotBeStarted) {
  const auto before = open_descriptors();
  const auto child = Child::spawn({.arguments = {}, .executable = "/nonexistent/program"});
  ASSERT_FALSE(child.ok());
  EXPECT_EQ(child.error().code, Code::Unavailable);
  EXPECT_THAT(child.error().message, testing::HasSubstr("/nonexistent/program"));
  EXPECT_THAT(child.error().message, testing::HasSubstr("No such file"));
  EXPECT_EQ(open_descriptors(), before);
}

TEST(Child, TalksOverDescriptorThreeAndHasNoOtherAboveTwo) {
  const int extra = ::open("/dev/null", O_RDONLY);  // not close-on-exec: must still not leak
  EXPECT_EQ(said_by("n=2; while [ $((n += 1)) -lt 256 ]; do [ -e /proc/$$/fd/$n ] && "
                    "open=\"$open$n \"; done; " +
                    frame_of("echo \"$open\"")),
            "3 ");
  ::close(extra);
}

TEST(Child, ReadsAnEmptyStandardInput) { EXPECT_EQ(said_by(frame_of("cat; echo end")), "end"); }

TEST(Child, LeadsItsOwnGroupWithAllSignalsOpen) {
  auto child = shell(frame_of("sed -n 's/^SigBlk:[[:space:]]*//p; s/^SigIgn:[[:space:]]*//p' "
                              "/proc/$$/status | tr -d '\\n'") +
                     "; sleep 100");
  EXPECT_EQ(child->channel().receive(soon()).value().payload, std::string(32, '0'));
  EXPECT_EQ(::getpgid(child->pid()), child->pid());
}

TEST(Child, ResetsIgnoredSignals) {
  const auto before = std::signal(SIGUSR1, SIG_IGN);
  EXPECT_EQ(said_by(frame_of("sed -n 's/^SigIgn:[[:space:]]*//p' /proc/$$/status")),
            "0000000000000000");
  std::signal(SIGUSR1, before);
}

TEST(Child, GetsOurEnvironmentOrTheOneGiven) {
  ::setenv("HEARTH_CHILD_TEST", "ours", 1);
  EXPECT_EQ(said_by(frame_of("echo $HEARTH_CHILD_TEST")), "ours");
  ::unsetenv("HEARTH_CHILD_TEST");
  auto child = Child::spawn({.arguments = {"-c", frame_of("echo $GIVEN-$HOME")},
                             .executable = "/bin/sh",
                             .environment = {"GIVEN=yes", "PATH=/usr/bin:/bin"}});
  EXPECT_EQ(child.value()->channel().receive(soon()).value().payload, "yes-");
}

TEST(Child, RunsAsNicelyAsAsked) {
  auto child =
      Child::spawn({.arguments = {"-c", frame_of("nice")}, .executable = "/bin/sh", .nice = 7});
  EXPECT_EQ(child.value()->channel().receive(soon()).value().payload, "7");
}

TEST(Child, RunsOnIdleCoresOnlyWhereAsked) {
  struct Case {
    bool only_idle;
    int nice;
    const char* policy;  // the 41st field of its stat: 0 is SCHED_OTHER, 5 is SCHED_IDLE
  };
  for (const Case& c : {Case{false, 0, "0"}, Case{true, 0, "5"}, Case{true, 19, "5"}}) {
    auto child = Child::spawn({.arguments = {"-c", frame_of("cut -d ' ' -f 41 /proc/$$/stat")},
                               .executable = "/bin/sh",
                               .nice = c.nice,
                               .only_idle = c.only_idle});
    EXPECT_EQ(child.value()->channel().receive(soon()).value().payload, c.policy);
  }
}

TEST(Child, WaitGivesUpAtItsDeadlineOrWhenStopped) {
  auto child = shell("exec sleep 1000");
  EXPECT_EQ(child->wait(Call::within(Millis(5))).error().code, Code::Timeout);
  EXPECT_EQ(child->ended(), std::nullopt);
  std::stop_source stop;
  auto waited = std::async(std::launch::async, [&] {
    return child->wait({Clock::time_point::max(), stop.get_token()});
  });
  stop.request_stop();
  EXPECT_EQ(waited.get().error().code, Code::Cancelled);
}

TEST(Child, StopAsksFirst) {
  auto child =
      shell("trap 'exit 5' TERM; " + frame_of("echo ready") + "; while :; do sleep 0.01; done");
  ASSERT_TRUE(child->channel().receive(soon()).ok());
  EXPECT_EQ(child->stop(Millis(20'000)).text(), "exit code 5");
}

TEST(Child, StopKillsWhatWillNotListen) {
  auto child = shell("trap '' TERM; " + frame_of("echo ready") + "; while :; do sleep 0.01; done");
  ASSERT_TRUE(child->channel().receive(soon()).ok());
  EXPECT_EQ(child->stop(Millis(5)).signal, SIGKILL);
  child->kill();  // of one that has ended: nothing
  EXPECT_EQ(child->stop(Millis(5)).signal, SIGKILL);
}

TEST(Child, DestructorLeavesNoOrphanZombieOrDescriptor) {
  const auto before = open_descriptors();
  pid_t pid = 0, grandchild = 0;
  {
    auto child = shell("sleep 1000 & " + frame_of("echo $!") + "; wait");
    pid = child->pid();
    grandchild = std::stoi(child->channel().receive(soon()).value().payload);
  }
  EXPECT_EQ(::waitpid(pid, nullptr, WNOHANG), -1);  // reaped already
  EXPECT_EQ(errno, ECHILD);
  EXPECT_TRUE(ends(grandchild));
  EXPECT_EQ(open_descriptors(), before);
}

TEST(Child, AnEndedLeaderTakesItsGroupAlong) {
  auto child = shell("sleep 1000 & " + frame_of("echo $!"));
  const pid_t grandchild = std::stoi(child->channel().receive(soon()).value().payload);
  ASSERT_TRUE(child->wait(soon()).ok());
  EXPECT_TRUE(ends(grandchild));
}

TEST(Child, LivesOnWhenTheThreadThatSpawnedItEnds) {
  std::unique_ptr<Child> child;
  std::jthread([&] { child = shell("read line <&3; exit 3"); }).join();
  EXPECT_EQ(child->wait(Call::within(Millis(50))).error().code, Code::Timeout);
  child->channel().shut_down();
  EXPECT_EQ(child->wait(soon()).value().text(), "exit code 3");
}

TEST(Child, SeesTheChannelCloseWhenWeGo) {
  auto child = role("WaitForClosedChannel");
  ASSERT_TRUE(child->channel().receive(soon()).ok());
  child->channel().shut_down();
  EXPECT_EQ(child->wait(soon()).value().text(), "exit code 42");
}

TEST(Child, DiesWithItsParentEvenIfThatIsKilled) {
  auto middle = role("SpawnSleeper");
  const auto frame = middle->channel().receive(soon());
  ASSERT_TRUE(frame.ok()) << frame.error().message;
  const pid_t sleeper = std::stoi(frame.value().payload);
  ASSERT_EQ(::getpgid(sleeper), sleeper);  // so that killing the middle's group does not reach it
  ::kill(middle->pid(), SIGKILL);
  EXPECT_EQ(middle->wait(soon()).value().signal, SIGKILL);
  EXPECT_TRUE(ends(sleeper));
}

TEST(Child, ManyAtOnceLeaveNothing) {
  const auto before = open_descriptors();
  {
    std::vector<std::future<int>> codes;
    for (int i = 0; i < 16; ++i) {
      codes.push_back(std::async(std::launch::async, [i] {
        return shell("exit " + std::to_string(i))->wait(soon()).value().code;
      }));
    }
    for (int i = 0; i < 16; ++i) EXPECT_EQ(codes[static_cast<std::size_t>(i)].get(), i);
  }
  EXPECT_EQ(open_descriptors(), before);
}

// ---- roles of this program when the tests above start it as a child ---------------------------

TEST(Role, DISABLED_WaitForClosedChannel) {
  FrameChannel channel(kChildSocket);
  ASSERT_TRUE(channel.send(soon(), {1, 1, "ready"}).ok());
  if (channel.receive(soon()).error().code == Code::Unavailable) ::_exit(42);
}

TEST(Role, DISABLED_SpawnSleeper) {
  FrameChannel channel(kChildSocket);
  auto sleeper = shell("exec sleep 1000");
  ASSERT_TRUE(channel.send(soon(), {1, 1, std::to_string(sleeper->pid())}).ok());
  static_cast<void>(sleeper->wait(forever()));
}

}  // namespace
}  // namespace hearth::process
