#include "engine/cores/core_lease.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "engine/board_path.h"

namespace hearth::engine {
namespace {

using testing::HasSubstr;

bool never() { return false; }

/// Looks at the board before every step, and is patient for a short time only.
constexpr LeaseTimes kTimes{.look_after = Millis(0), .patience = Millis(50)};

/// A folder for one test's board.
class Folder {
 public:
  Folder() {
    std::string pattern = testing::TempDir() + "/cores-XXXXXX";
    path_ = mkdtemp(pattern.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string file(const char* name = "board") const { return path_ + "/" + name; }

 private:
  std::string path_;
};

/// Another process with a lease. It takes one byte as an order, and answers with one byte.
class Engine {
 public:
  Engine(const std::string& board, std::uint32_t cores, std::uint32_t demand = 64) {
    int orders[2], answers[2];
    EXPECT_EQ(::pipe2(orders, O_CLOEXEC), 0);
    EXPECT_EQ(::pipe2(answers, O_CLOEXEC), 0);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::close(orders[1]);
      ::close(answers[0]);
      live(board, cores, demand, orders[0], answers[1]);
    }
    ::close(orders[0]);
    ::close(answers[1]);
    orders_ = orders[1];
    answers_ = answers[0];
  }
  ~Engine() {
    kill();
    ::close(orders_);
    ::close(answers_);
  }

  void tell(char order) { ASSERT_EQ(::write(orders_, &order, 1), 1); }
  std::uint32_t hear() {
    unsigned char answer = 255;
    EXPECT_EQ(::read(answers_, &answer, 1), 1);
    return answer;
  }
  std::uint32_t ask(char order) {
    tell(order);
    return hear();
  }
  /// Computes a step: how many cores it has.
  std::uint32_t acquire() { return ask('a'); }
  void release() { ask('r'); }
  void kill() {
    if (pid_ == 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }

 private:
  [[noreturn]] static void live(const std::string& board, std::uint32_t cores, std::uint32_t demand,
                                int orders, int answers) {
    auto lease = CoreLease::open(board, cores, {.look_after = Millis(0)});
    if (!lease.ok()) ::_exit(1);
    char order = 0;
    while (::read(orders, &order, 1) == 1) {
      unsigned char answer = 0;
      if (order == 'a') {
        lease.value()->acquire(demand, cores, never);
        answer = static_cast<unsigned char>(lease.value()->held());
      }
      if (order == 'r') lease.value()->release();
      if (::write(answers, &answer, 1) != 1) break;
    }
    ::_exit(0);
  }

  pid_t pid_ = 0;
  int orders_ = -1, answers_ = -1;
};

TEST(FairShare, DealsOutInTurn) {
  struct Case {
    std::uint32_t budget;
    std::vector<std::uint32_t> demands;
    std::vector<std::uint32_t> want;
  };
  const Case kCases[] = {
      {2, {2}, {2}},
      {2, {2, 2}, {1, 1}},
      {4, {4, 4, 4}, {2, 1, 1}},
      {4, {1, 4}, {1, 3}},
      {4, {4, 1, 4}, {2, 1, 1}},
      {8, {2, 2}, {2, 2}},
      {1, {2, 2}, {1, 1}},
      {2, {2, 2, 2}, {1, 1, 1}},
      {0, {3}, {1}},
      {16, {8, 1, 8}, {8, 1, 7}},
  };
  for (const Case& c : kCases) {
    for (std::size_t place = 0; place < c.demands.size(); ++place) {
      EXPECT_EQ(fair_share(c.budget, {c.demands, place}), c.want[place])
          << testing::PrintToString(c.demands) << " of " << c.budget << " at " << place;
    }
  }
}

TEST(CoreLease, OneEngineHasAllAndTwoShare) {
  const Folder folder;
  Engine first(folder.file(), 4), second(folder.file(), 4);
  EXPECT_EQ(first.acquire(), 4u);
  second.tell('a');  // waits for a core
  std::uint32_t kept = 4;
  while (kept == 4) kept = first.acquire();
  EXPECT_GE(second.hear(), 1u);
  EXPECT_EQ(first.acquire(), 2u);
  EXPECT_EQ(second.acquire(), 2u);
  second.release();
  EXPECT_EQ(first.acquire(), 4u);
  first.release();
  EXPECT_EQ(second.acquire(), 4u);
}

TEST(CoreLease, ASmallModelLeavesTheRest) {
  const Folder folder;
  Engine small(folder.file(), 4, 1), large(folder.file(), 4);
  EXPECT_EQ(small.acquire(), 1u);
  EXPECT_EQ(large.acquire(), 3u);
  small.release();
  EXPECT_EQ(large.acquire(), 4u);
}

TEST(CoreLease, WhatAKilledEngineHeldIsFree) {
  const Folder folder;
  Engine first(folder.file(), 2);
  {
    Engine second(folder.file(), 2);
    EXPECT_EQ(second.acquire(), 2u);
    first.tell('a');
  }  // killed while it holds all
  EXPECT_GE(first.hear(), 1u);
  EXPECT_EQ(first.acquire(), 2u);
}

TEST(CoreLease, TooManyEnginesTakeTurns) {
  const Folder folder;
  constexpr std::size_t kEngines = 3;
  Engine engines[kEngines] = {{folder.file(), 1}, {folder.file(), 1}, {folder.file(), 1}};
  // Each begins a step as soon as it has ended one. The board's own rule makes the others wait.
  std::vector<std::uint32_t> steps(kEngines, 0);
  std::vector<std::jthread> drivers;
  const auto end = Clock::now() + Millis(1'000);
  for (std::size_t i = 0; i < kEngines; ++i) {
    drivers.emplace_back([&, i] {
      while (Clock::now() < end) {
        EXPECT_EQ(engines[i].acquire(), 1u);
        ++steps[i];
      }
      engines[i].release();
    });
  }
  drivers.clear();
  // In a second there are ten slices of 100 ms; three engines get about three each.
  for (const std::uint32_t count : steps) EXPECT_GE(count, 5u);
}

TEST(CoreLease, NeverHoldsMoreThanThereAre) {
  const Folder folder;
  constexpr std::uint32_t kCores = 3;
  Engine engines[4] = {{folder.file(), kCores},
                       {folder.file(), kCores},
                       {folder.file(), kCores, 1},
                       {folder.file(), kCores}};
  const auto end = Clock::now() + Millis(600);
  std::vector<std::jthread> drivers;
  for (Engine& engine : engines) {
    drivers.emplace_back([&engine, end] {
      while (Clock::now() < end) {
        EXPECT_GE(engine.acquire(), 1u);
      }
      engine.release();
    });
  }
  auto watcher = CoreBoard::open(folder.file(), kCores);
  ASSERT_TRUE(watcher.ok());
  std::uint32_t most = 0;
  while (Clock::now() < end) most = std::max(most, watcher.value()->held_by_others());
  drivers.clear();
  EXPECT_EQ(most, kCores);
  EXPECT_EQ(watcher.value()->held_by_others(), 0u);
}

TEST(CoreLease, WaitingEndsWhenToldSo) {
  const Folder folder;
  Engine other(folder.file(), 2);
  EXPECT_EQ(other.acquire(), 2u);
  auto lease = CoreLease::open(folder.file(), 2, kTimes).value();
  int asked = 0;
  const auto grant = lease->acquire(2, 2, [&asked] { return ++asked == 3; });
  EXPECT_EQ(grant.cores, 1u);
  EXPECT_EQ(grant.engines, 2u);
  EXPECT_EQ(grant.held_by_others, 2u);
  EXPECT_EQ(lease->held(), 0u);
}

TEST(CoreLease, AStoppedEngineHoldsNobodyUpForEver) {
  const Folder folder;
  Engine stopped(folder.file(), 2);
  EXPECT_EQ(stopped.acquire(), 2u);  // and never begins another step
  auto lease = CoreLease::open(folder.file(), 2, kTimes).value();
  const auto began = Clock::now();
  EXPECT_EQ(lease->acquire(2, 2, never).cores, 1u);
  EXPECT_GE(Clock::now() - began, kTimes.patience);
  const auto again = Clock::now();
  EXPECT_EQ(lease->acquire(2, 2, never).cores, 1u);
  EXPECT_LT(Clock::now() - again, kTimes.patience);
  stopped.release();
  EXPECT_EQ(lease->acquire(2, 2, never).cores, 2u);
}

TEST(CoreLease, FollowsTheGovernorsBudget) {
  const Folder folder;
  auto lease = CoreLease::open(folder.file(), 4, kTimes).value();
  EXPECT_EQ(lease->acquire(4, 4, never).cores, 4u);
  EXPECT_EQ(lease->acquire(4, 2, never).cores, 2u);
  EXPECT_EQ(lease->acquire(4, 3, never).cores, 3u);
  lease->release();
  EXPECT_EQ(lease->held(), 0u);
}

TEST(CoreLease, ARemovedBoardIsMadeAnew) {
  const Folder folder;
  auto lease = CoreLease::open(folder.file(), 2, kTimes).value();
  EXPECT_EQ(lease->acquire(2, 2, never).cores, 2u);
  lease->release();
  std::filesystem::remove(folder.file());
  EXPECT_EQ(lease->acquire(2, 2, never).cores, 2u);
  EXPECT_TRUE(std::filesystem::exists(folder.file()));
  Engine other(folder.file(), 2);
  lease->release();
  other.tell('a');
  EXPECT_EQ(other.hear(), 2u);
}

TEST(CoreBoard, HasSeatsForSixtyFour) {
  const Folder folder;
  std::vector<std::unique_ptr<CoreBoard>> boards;
  for (std::uint32_t i = 0; i <= CoreBoard::kSeatsMax; ++i) {
    boards.push_back(CoreBoard::open(folder.file(), 2).value());
    EXPECT_EQ(boards.back()->sit(CoreBoard::kCoresMax + i), i < CoreBoard::kSeatsMax);
  }
  EXPECT_EQ(boards[9]->crowd().demands,
            std::vector<std::uint32_t>(CoreBoard::kSeatsMax, CoreBoard::kCoresMax));
  EXPECT_EQ(boards[9]->crowd().place, 9u);
  boards[3]->stand_up();
  EXPECT_EQ(boards[9]->crowd().place, 8u);
}

TEST(CoreBoard, TheLineIsInOrderOfTickets) {
  const Folder folder;
  auto early = CoreBoard::open(folder.file(), 2).value();
  auto late = CoreBoard::open(folder.file(), 2).value();
  late->queue_up(200);
  EXPECT_TRUE(late->is_first());
  EXPECT_FALSE(late->someone_queues());
  early->queue_up(100);
  EXPECT_TRUE(early->is_first());
  EXPECT_FALSE(late->is_first());
  early->leave_queue();
  EXPECT_TRUE(late->is_first());
  early->queue_up(200);  // the same moment: behind
  EXPECT_FALSE(early->is_first());
}

TEST(CoreBoard, RefusesAFileThatIsNotOursAlone) {
  const Folder folder;
  struct Case {
    const char* name;
    std::function<void(const std::string&)> make;
    const char* why;
  };
  const auto write = [](const std::string& path, mode_t mode) {
    const int fd = ::open(path.c_str(), O_CREAT | O_WRONLY, 0600);
    ::fchmod(fd, mode);
    ::close(fd);
  };
  const Case kCases[] = {
      {"link",
       [&](const auto& path) {
         write(folder.file("target"), 0600);
         std::filesystem::create_symlink(folder.file("target"), path);
       },
       "symbolic links"},
      {"folder", [](const auto& path) { std::filesystem::create_directory(path); }, "directory"},
      {"fifo", [](const auto& path) { ::mkfifo(path.c_str(), 0600); }, "not a regular file"},
      {"open to all", [&](const auto& path) { write(path, 0666); }, "others have access"},
      {"readable", [&](const auto& path) { write(path, 0640); }, "others have access"},
      {"nowhere/board", [](const auto&) {}, "No such file"},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    const std::string path = folder.file(c.name);
    c.make(path);
    const auto board = CoreBoard::open(path, 2);
    ASSERT_FALSE(board.ok());
    EXPECT_EQ(board.error().code, Code::Unavailable);
    EXPECT_THAT(board.error().message, HasSubstr(path));
    EXPECT_THAT(board.error().message, HasSubstr(c.why));
  }
  if (::geteuid() == 0) {
    const std::string path = folder.file("foreign");
    write(path, 0600);
    ASSERT_EQ(::chown(path.c_str(), 1, 1), 0);
    EXPECT_THAT(CoreBoard::open(path, 2).error().message, HasSubstr("another user"));
  }
}

TEST(CoreBoard, IsMadeForUsAlone) {
  const Folder folder;
  ASSERT_TRUE(CoreBoard::open(folder.file(), 2).ok());
  struct stat found {};
  ASSERT_EQ(::stat(folder.file().c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0600u);
  EXPECT_EQ(found.st_size, 0);
}

TEST(DefaultBoardPath, IsInTheRuntimeFolderWhereThereIsOne) {
  const Folder folder;
  const std::string ours = std::filesystem::path(folder.file()).parent_path();
  EXPECT_EQ(default_board_path(ours), ours + "/hearth-cores");
  const std::string fallback = default_board_path("");
  EXPECT_THAT(fallback, HasSubstr(std::to_string(::geteuid())));
  EXPECT_EQ(default_board_path("/nonexistent"), fallback);
}

}  // namespace
}  // namespace hearth::engine
