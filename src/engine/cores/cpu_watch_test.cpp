#include "engine/cores/cpu_watch.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace hearth::engine {
namespace {

const Clock::time_point kStart{std::chrono::hours(1)};

/// A /proc that says what a test wants. Our own time is the real one, so that no test uses much.
class Proc {
 public:
  Proc() {
    std::string pattern = testing::TempDir() + "/proc-XXXXXX";
    root_ = mkdtemp(pattern.data());
    std::filesystem::create_directories(root_ + "/proc/self/task/1");
    std::filesystem::create_directories(root_ + "/proc/self/task/2");
    cpu_set_t set;
    CPU_ZERO(&set);
    ::sched_getaffinity(0, sizeof set, &set);
    while (!CPU_ISSET(static_cast<std::size_t>(cpu_), &set)) ++cpu_;
  }
  ~Proc() { std::filesystem::remove_all(root_); }

  const std::string& root() const { return root_; }
  void write(const std::string& path, const std::string& text) const {
    std::ofstream(root_ + "/proc/" + path) << text;
  }
  /// `columns` of a CPU that we may use, beside one that we may not.
  void write_stat(const std::string& columns) const {
    write("stat", "cpu  9 9 9 9 9 9 9 9 0 0\ncpu" + std::to_string(cpu_) + " " + columns +
                      "\ncpu1000 700000 700000 0 0 0 0 0 0 0 0\nintr 5 cpu\n");
  }

 private:
  std::string root_;
  int cpu_ = 0;
};

TEST(CpuWatch, CountsWhatOthersUseAndHowLongWeWaited) {
  const Proc proc;
  proc.write_stat("1000 50 100 5000 7 0 0 0 0 0");
  proc.write("self/task/1/schedstat", "500 2000000 10\n");
  proc.write("self/task/2/schedstat", "500 1000000 10\n");
  CpuWatch watch(proc.root());
  EXPECT_EQ(watch.look(kStart), std::nullopt);  // only begins
  EXPECT_EQ(watch.look(kStart + Millis(49)), std::nullopt);
  proc.write("self/task/1/schedstat", "900 42000000 10\n");
  proc.write("self/task/2/schedstat", "900 6000000 10\n");
  auto look = watch.look(kStart + Millis(50));
  ASSERT_TRUE(look);
  EXPECT_EQ(look->window, Micros(50'000));
  EXPECT_EQ(look->queue_delay, Micros(45'000));
  EXPECT_TRUE(look->switches);
  EXPECT_FALSE(look->others);  // is looked at less often
  // 10 ticks of user, 20 of system, 5, 6 and 7 of irq, softirq and steal; 70 of low priority.
  proc.write_stat("1010 120 120 5000 7 5 6 7 0 0");
  look = watch.look(kStart + Millis(1'000));
  ASSERT_TRUE(look && look->others);
  EXPECT_EQ(look->others->window, Micros(1'000'000));
  EXPECT_NEAR(look->others->cores, 0.48, 0.1);  // less what this test has used itself
  EXPECT_NEAR(look->others->nice_cores, 0.70, 0.1);
  EXPECT_FALSE(watch.look(kStart + Millis(1'199))->others);
  EXPECT_TRUE(watch.look(kStart + Millis(1'250))->others);
}

TEST(CpuWatch, DoesWithoutWhatIsNotThere) {
  struct Case {
    const char* name;
    const char* stat;
    const char* schedstat;
    bool want_others, want_delay;
  };
  const Case kCases[] = {
      {"nothing", nullptr, nullptr, false, false},
      {"empty", "", "", false, false},
      {"only delays", nullptr, "1 2 3", false, true},
      {"one number", nullptr, "1", false, false},
      {"no number", "x y", "a b c", false, false},
      {"too few columns", "1 2 3 4 5 6 7", nullptr, false, false},
      {"all columns", "1 2 3 4 5 6 7 8", nullptr, true, false},
      {"a huge number", "99999999999999999999 2 3 4 5 6 7 8", nullptr, false, false}};
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    const Proc proc;
    if (c.stat) proc.write_stat(c.stat);
    if (c.schedstat) proc.write("self/task/1/schedstat", c.schedstat);
    CpuWatch watch(proc.root());
    EXPECT_FALSE(watch.look(kStart));
    const auto look = watch.look(kStart + Millis(500));
    ASSERT_TRUE(look);
    EXPECT_EQ(look->others.has_value(), c.want_others);
    EXPECT_EQ(look->queue_delay.has_value(), c.want_delay);
    EXPECT_TRUE(look->switches);
  }
}

TEST(CpuWatch, AThreadThatEndedMakesNoNegativeDelay) {
  const Proc proc;
  proc.write("self/task/1/schedstat", "1 5000000 1");
  CpuWatch watch(proc.root());
  watch.look(kStart);
  proc.write("self/task/1/schedstat", "1 1000000 1");
  EXPECT_EQ(watch.look(kStart + Millis(60))->queue_delay, Micros(0));
}

TEST(CpuWatch, ReadsThisMachine) {
  CpuWatch watch;
  EXPECT_GE(watch.cpus(), 1u);
  watch.look(kStart);
  const auto look = watch.look(kStart + Millis(500));
  ASSERT_TRUE(look);
  EXPECT_TRUE(look->others);
  EXPECT_TRUE(look->switches);
}

}  // namespace
}  // namespace hearth::engine
