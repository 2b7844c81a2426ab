#include "tools/workspace.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/fsuid.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <atomic>
#include <csignal>
#include <thread>

#include "tools/files/descriptor.h"
#include "tools/testing/folder.h"

namespace hearth::tools {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::size_t kMax = 1'000'000;

/// Every test runs with the kernel's openat2 and with what stands in for it.
class WorkspaceTest : public ::testing::TestWithParam<bool> {
 protected:
  WorkspaceTest() {
    outside_.put("secret", "SECRET");
    inside_.put("a.txt", "hello");
    inside_.put("deep/b.txt", "below");
    reopen({});
  }
  void reopen(std::vector<std::string> kept_out, std::vector<std::string> more_roots = {}) {
    std::vector<std::string> roots = {inside_.path()};
    roots.insert(roots.end(), more_roots.begin(), more_roots.end());
    workspace_ =
        Workspace::open(
            {.roots = roots, .kept_out = std::move(kept_out), .kernel_resolves = GetParam()})
            .value();
  }
  Result<std::string> read(const std::string& path) {
    TRY(const Found found, workspace_->find(path));
    return workspace_->read(soon(), found.spot, kMax);
  }
  Result<void> write(const std::string& path, const std::string& bytes, mode_t mode = 0644) {
    TRY(const Found found, workspace_->find(path));
    return workspace_->write(soon(), found.spot, bytes, mode);
  }
  bool follows_links() const { return GetParam(); }

  Folder inside_, outside_;
  std::unique_ptr<Workspace> workspace_;
};

INSTANTIATE_TEST_SUITE_P(Kernel, WorkspaceTest, ::testing::Bool(), [](const auto& way) {
  return std::string(way.param ? "Openat2" : "ByParts");
});

TEST_P(WorkspaceTest, ReadsWhatIsBelow) {
  for (const char* path : {"a.txt", "./a.txt", ".//./a.txt"})
    EXPECT_EQ(read(path).value(), "hello");
  EXPECT_EQ(read(inside_.path("deep/b.txt")).value(), "below");
  EXPECT_EQ(read("deep//b.txt").value(), "below");
}

TEST_P(WorkspaceTest, NothingLeadsOut) {
  inside_.link(outside_.path(), "out");
  inside_.link(outside_.path("secret"), "file");
  inside_.link("../" + fs::path(outside_.path()).filename().string() + "/secret", "up");
  inside_.link("out2", "chain");
  inside_.link("out", "out2");
  inside_.link("/proc/self/root", "root");
  inside_.link("/proc/self/cwd", "cwd");
  inside_.link("/proc/self/fd/0", "fd");
  inside_.link("loop", "loop");
  const std::string up = "../" + fs::path(outside_.path()).filename().string() + "/secret";
  const std::string paths[] = {up,
                               "deep/../../x",
                               "..",
                               "deep/..",
                               outside_.path("secret"),
                               "/etc/passwd",
                               "/",
                               "/proc/self/root",
                               "/proc/self/environ",
                               inside_.path() + "x/secret",
                               inside_.path("..") + "/secret",
                               "out/secret",
                               "file",
                               "up",
                               "chain/secret",
                               "root/etc/passwd",
                               "root",
                               "cwd",
                               "fd",
                               "loop",
                               "loop/x"};
  for (const std::string& path : paths) {
    SCOPED_TRACE(path);
    const auto got = read(path);
    ASSERT_FALSE(got.ok());
    EXPECT_EQ(got.error().code, Code::Denied) << got.error().message;
    EXPECT_EQ(got.error().field, "path");
    EXPECT_THAT(got.error().message, testing::Not(HasSubstr("SECRET")));
    EXPECT_FALSE(write(path, "mine").ok());
  }
  EXPECT_EQ(outside_.read("secret"), "SECRET");
}

TEST_P(WorkspaceTest, SymlinksBelowAreFollowedToTheirRealName) {
  inside_.link("deep/b.txt", "b");
  inside_.link("deep", "d");
  if (!follows_links()) {
    EXPECT_EQ(read("b").error().code, Code::Denied);
    EXPECT_EQ(read("d/b.txt").error().code, Code::Denied);
    return;
  }
  EXPECT_EQ(read("b").value(), "below");
  EXPECT_EQ(workspace_->shown(workspace_->find("b").value().spot), "deep/b.txt");
  EXPECT_EQ(workspace_->shown(workspace_->find("d/new/x").value().spot), "deep/new/x");
  ASSERT_TRUE(write("b", "changed").ok());
  EXPECT_EQ(inside_.read("deep/b.txt"), "changed");
  EXPECT_TRUE(fs::is_symlink(inside_.path("b")));
}

TEST_P(WorkspaceTest, AfterTheLookNoSymlinkIsFollowed) {
  const Spot spot = workspace_->find("deep/b.txt").value().spot;
  fs::rename(inside_.path("deep"), inside_.path("moved"));
  inside_.link("moved", "deep");
  EXPECT_EQ(workspace_->read(soon(), spot, kMax).error().code, Code::Denied);
  EXPECT_FALSE(workspace_->write(soon(), spot, "x", 0644).ok());
  EXPECT_EQ(inside_.read("moved/b.txt"), "below");
}

// A thread swaps a folder for a symlink that leads out, and a file too, during many calls.
TEST_P(WorkspaceTest, NoRaceGetsOut) {
  outside_.put("target", "SECRET");
  outside_.put("race/file", "SECRET");
  inside_.put("race/file", "inside");
  inside_.put("target", "inside");
  inside_.link(outside_.path("race"), "link");
  inside_.link(outside_.path("target"), "flink");
  std::jthread swapper([this](const std::stop_token& stop) {
    const auto swap = [this](const char* a, const char* b) {
      ::renameat2(AT_FDCWD, inside_.path(a).c_str(), AT_FDCWD, inside_.path(b).c_str(), 2);
    };
    while (!stop.stop_requested()) {
      swap("race", "link");  // RENAME_EXCHANGE
      swap("target", "flink");
    }
  });
  int read_inside = 0, refused = 0;
  for (int i = 0; i < 20'000; ++i) {
    for (const char* path : {"race/file", "target"}) {
      const auto got = read(path);
      got.ok() ? ++read_inside : ++refused;
      ASSERT_TRUE(!got.ok() || got.value().find("SECRET") == std::string::npos) << i;
    }
    if (i % 400 == 0) {
      static_cast<void>(write("race/file", "inside " + std::to_string(i)).ok());
      static_cast<void>(write("race/made/" + std::to_string(i), "x").ok());
    }
  }
  swapper.request_stop();
  swapper.join();
  EXPECT_GT(read_inside, 0);
  EXPECT_GT(refused, 0);
  EXPECT_EQ(outside_.read("race/file"), "SECRET");
  EXPECT_EQ(outside_.read("target"), "SECRET");
  EXPECT_FALSE(outside_.has("race/made"));
  EXPECT_EQ(std::distance(fs::directory_iterator(outside_.path("race")), {}), 1);
}

TEST_P(WorkspaceTest, OddNames) {
  EXPECT_THAT(read(std::string("a\0b", 3)).error().message, HasSubstr("zero byte"));
  EXPECT_EQ(read("").error().code, Code::InvalidInput);
  EXPECT_EQ(read(std::string(255, 'n')).error().code, Code::NotFound);
  EXPECT_EQ(read(std::string(256, 'n')).error().code, Code::TooLarge);
  std::string deep;
  while (deep.size() < 4'200) deep += "dddd/";
  EXPECT_EQ(read(deep + "x").error().code, Code::TooLarge);
  EXPECT_EQ(read("a.txt/b").error().code, Code::NotFound);
  for (const char* name : {"new\nline", "tab\there", "quote\"", "\xff\xfe", "-rf", "~", "*"}) {
    ASSERT_TRUE(write(name, "odd").ok()) << name;
    EXPECT_EQ(read(name).value(), "odd");
  }
}

TEST_P(WorkspaceTest, OnlyRegularFilesAreOpened) {
  ASSERT_EQ(::mkfifo(inside_.path("pipe").c_str(), 0600), 0);
  sockaddr_un name{.sun_family = AF_UNIX, .sun_path = {}};
  inside_.path("sock").copy(name.sun_path, sizeof(name.sun_path) - 1);
  const Descriptor socket(::socket(AF_UNIX, SOCK_STREAM, 0));
  ASSERT_EQ(::bind(socket.number(), reinterpret_cast<sockaddr*>(&name), sizeof(name)), 0);
  struct Case {
    const char *path, *kind;
  };
  std::vector<Case> cases = {
      {"pipe", "a named pipe"}, {"sock", "a socket"}, {"deep", "a folder"}, {".", "a folder"}};
  if (::mknod(inside_.path("dev").c_str(), S_IFCHR | 0600, 0x103) == 0)  // /dev/null; needs rights
    cases.push_back({"dev", "a device"});
  for (const Case& c : cases) {
    SCOPED_TRACE(c.path);
    EXPECT_EQ(read(c.path).error().code, Code::InvalidInput);
    EXPECT_THAT(read(c.path).error().message, HasSubstr(c.kind));
    EXPECT_EQ(write(c.path, "x").error().code, Code::InvalidInput);
  }
}

TEST_P(WorkspaceTest, SizesAreBounded) {
  inside_.put("edge", std::string(100, 'x'));
  const Spot edge = workspace_->find("edge").value().spot;
  EXPECT_TRUE(workspace_->read(soon(), edge, 100).ok());
  EXPECT_EQ(workspace_->read(soon(), edge, 99).error().code, Code::TooLarge);
  EXPECT_THAT(workspace_->read(soon(), edge, 99).error().message,
              HasSubstr("100 bytes; at most 99"));
  inside_.put("sparse", "");
  fs::resize_file(inside_.path("sparse"), std::uintmax_t{1} << 40);
  EXPECT_EQ(read("sparse").error().code, Code::TooLarge);
}

TEST_P(WorkspaceTest, KeepsModeAndReplacesWhole) {
  ASSERT_EQ(::chmod(inside_.path("a.txt").c_str(), 0750), 0);
  const Found found = workspace_->find("a.txt").value();
  ASSERT_TRUE(workspace_->write(soon(), found.spot, "new", found.mode).ok());
  EXPECT_EQ(inside_.read("a.txt"), "new");
  EXPECT_EQ(workspace_->find("a.txt").value().mode, 0750u);
  ASSERT_TRUE(write("x/y/z.txt", "made").ok());
  EXPECT_EQ(inside_.read("x/y/z.txt"), "made");
  EXPECT_EQ(std::distance(fs::directory_iterator(inside_.path("x/y")), {}), 1);  // nothing beside
}

// As a full disk does it: the write ends in an error in the middle.
/// What has a name in the folder is whole: a process that is killed while it writes leaves nothing.
TEST_P(WorkspaceTest, AFileIsWholeBeforeItHasAName) {
  const Descriptor nameless(::open(inside_.path().c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600));
  if (!nameless.is_open()) GTEST_SKIP() << "this file system has no nameless files";
  const Descriptor watch(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  ASSERT_GE(::inotify_add_watch(watch.number(), inside_.path().c_str(), IN_ALL_EVENTS), 0);
  ASSERT_TRUE(write("a.txt", "new").ok());
  alignas(inotify_event) char buffer[4'096];
  std::uint32_t seen = 0;
  const ssize_t size = ::read(watch.number(), buffer, sizeof(buffer));
  for (ssize_t at = 0; at < size;) {
    const auto* event = reinterpret_cast<const inotify_event*>(buffer + at);
    if (event->len > 0 && event->name[0] != '#') seen |= event->mask;  // '#': it has no name yet
    at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
  }
  EXPECT_TRUE(seen & IN_MOVED_TO);
  EXPECT_FALSE(seen & IN_MODIFY) << "bytes were written to a file that had a name";
}

TEST_P(WorkspaceTest, AWriteThatFailsLeavesTheOldFile) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{4'096, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto written = write("a.txt", std::string(10'000, 'x'));
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, old_handler);
  EXPECT_EQ(written.error().code, Code::TooLarge);
  EXPECT_EQ(inside_.read("a.txt"), "hello");
  EXPECT_EQ(std::distance(fs::directory_iterator(inside_.path()), {}), 2);  // a.txt, deep
}

TEST_P(WorkspaceTest, NoPermissionIsDenied) {
  ASSERT_EQ(::chmod(inside_.path("a.txt").c_str(), 0), 0);
  // Who runs this as root is somebody else for a while: on this thread, for files only.
  const bool was_root = ::geteuid() == 0;
  ASSERT_EQ(::chmod(inside_.path().c_str(), 0755), 0);
  if (was_root) ::setfsuid(65534);
  const auto got = read("a.txt");
  const auto made = was_root ? write("new.txt", "x") : Result<void>(Error{Code::Denied, ""});
  if (was_root) ::setfsuid(0);
  EXPECT_EQ(got.error().code, Code::Denied);
  EXPECT_EQ(made.error().code, Code::Denied);
}

TEST_P(WorkspaceTest, WhatIsHearthsOwnStaysShut) {
  inside_.put("data/identity.key", "KEY");
  inside_.link("data", "alias");
  reopen({inside_.path("data")});
  for (const char* path : {"data/identity.key", "data", "alias/identity.key", "data/new"}) {
    SCOPED_TRACE(path);
    EXPECT_EQ(read(path).error().code, Code::Denied);
    EXPECT_EQ(write(path, "x").error().code, Code::Denied);
  }
  EXPECT_EQ(workspace_->read(soon(), {0, "data/identity.key"}, kMax).error().code, Code::Denied);
  std::vector<std::string> seen;
  const auto take = [&](const Workspace::Entry& entry) -> Result<Workspace::Next> {
    seen.push_back(entry.spot.path);
    return Workspace::Next::GoOn;
  };
  ASSERT_TRUE(workspace_->walk(soon(), {}, take).value());
  EXPECT_THAT(seen, ElementsAre("a.txt", "alias", "deep", "deep/b.txt"));
}

TEST_P(WorkspaceTest, SeveralRoots) {
  Folder second;
  second.put("c.txt", "second");
  reopen({}, {second.path()});
  EXPECT_EQ(read(second.path("c.txt")).value(), "second");
  EXPECT_EQ(read("c.txt").error().code, Code::NotFound);
  const Spot spot = workspace_->find(second.path("c.txt")).value().spot;
  EXPECT_EQ(workspace_->shown(spot), second.path("c.txt"));
  EXPECT_EQ(workspace_->locate(workspace_->shown(spot)).value().root, 1u);
}

TEST_P(WorkspaceTest, WalksInOrderAndFollowsNoLink) {
  inside_.link("deep", "link");
  inside_.link("..", "up");
  inside_.put("deep/c/d.txt", "");
  std::vector<std::string> seen;
  const auto take = [&](const Workspace::Entry& entry) -> Result<Workspace::Next> {
    seen.push_back(entry.spot.path);
    return entry.spot.path == "deep/c" ? Workspace::Next::SkipFolder : Workspace::Next::GoOn;
  };
  EXPECT_TRUE(workspace_->walk(soon(), {}, take).value());
  EXPECT_THAT(seen, ElementsAre("a.txt", "deep", "deep/b.txt", "deep/c", "link", "up"));
}

TEST_P(WorkspaceTest, WalksAreBounded) {
  std::string path;
  for (std::size_t i = 0; i < Workspace::kDepthMax + 1; ++i) path += "d/";
  inside_.put(path + "x", "");
  const auto go_on = [](const Workspace::Entry&) -> Result<Workspace::Next> {
    return Workspace::Next::GoOn;
  };
  EXPECT_FALSE(workspace_->walk(soon(), {}, go_on).value());
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(workspace_->walk(Call::within(Millis(1'000), stop.get_token()), {}, go_on).error().code,
            Code::Cancelled);
  EXPECT_EQ(workspace_->walk(Call::within(Millis(0)), {}, go_on).error().code, Code::Timeout);
  EXPECT_EQ(workspace_->read(Call::within(Millis(0)), {0, "a.txt"}, kMax).error().code,
            Code::Timeout);
}

TEST(WorkspaceOpen, RefusesWhatIsNoRoot) {
  const Folder folder;
  folder.put("file", "");
  const std::vector<Workspace::Options> bad = {
      {.roots = {"relative"}},
      {.roots = {"/"}},
      {.roots = {folder.path("absent")}},
      {.roots = {folder.path("file")}},
      {.roots = {folder.path()}, .kept_out = {folder.path()}},
      {.roots = std::vector<std::string>(Workspace::kRootsMax + 1, folder.path())}};
  for (const Workspace::Options& options : bad)
    EXPECT_EQ(Workspace::open(options).error().field, "workspace") << options.roots[0];
  const auto none = Workspace::open({.roots = {}}).value();
  EXPECT_EQ(none->find("a").error().code, Code::Denied);
  EXPECT_TRUE(
      Workspace::open({.roots = std::vector<std::string>(Workspace::kRootsMax, folder.path())})
          .ok());
}

TEST(WorkspaceOpen, ProcIsNoWorkspace) {
  const auto proc = Workspace::open({.roots = {"/proc/self"}});
  if (!proc.ok()) return;
  EXPECT_EQ(proc.value()->find("environ").error().code, Code::Denied);
  EXPECT_EQ(proc.value()->find("root/etc/passwd").error().code, Code::Denied);
}

}  // namespace
}  // namespace hearth::tools
