#include "engine/runtime/machine.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <limits>

namespace hearth::engine {
namespace {

/// A made-up /proc and /sys.
class MachineTest : public ::testing::Test {
 protected:
  MachineTest() : root_(std::filesystem::path(::testing::TempDir()) / "machine_test") {
    std::filesystem::remove_all(root_);
  }
  ~MachineTest() override { std::filesystem::remove_all(root_); }
  void write(const std::string& path, const std::string& text) {
    std::filesystem::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
  }
  std::uint64_t available() const { return Machine{root_.string()}.memory_available_bytes(); }
  std::uint32_t cores() const { return Machine{root_.string()}.cores(); }

  std::filesystem::path root_;
};

TEST_F(MachineTest, NothingKnownMeansNoLimit) {
  EXPECT_EQ(available(), std::numeric_limits<std::uint64_t>::max());
  EXPECT_GE(cores(), 1u);
}

TEST_F(MachineTest, TheSmallestLimitOnTheWayUpHolds) {
  write("proc/meminfo", "MemTotal:       8000 kB\nMemAvailable:   4000 kB\n");
  EXPECT_EQ(available(), 4000u * 1024);
  write("proc/self/cgroup", "0::/a/b\n");
  write("sys/fs/cgroup/a/b/memory.max", "max\n");
  write("sys/fs/cgroup/a/b/memory.current", "5\n");
  EXPECT_EQ(available(), 4000u * 1024);
  write("sys/fs/cgroup/a/memory.max", "3000000\n");
  write("sys/fs/cgroup/a/memory.current", "2500000\n");
  EXPECT_EQ(available(), 500'000u);
  write("sys/fs/cgroup/a/memory.stat", "anon 1\nfile 1000000\n");  // file pages can be had back
  EXPECT_EQ(available(), 1'500'000u);
  write("sys/fs/cgroup/a/memory.current",
        "9000000\n");  // above its limit: nothing is left, not less
  EXPECT_EQ(available(), 0u);
}

TEST_F(MachineTest, AQuotaOfCoresIsRoundedDownToOneAtLeast) {
  write("proc/self/cgroup", "0::/a\n");
  write("sys/fs/cgroup/a/cpu.max", "50000 100000\n");
  EXPECT_EQ(cores(), 1u);
  const std::uint32_t all = Machine{}.cores();
  write("sys/fs/cgroup/a/cpu.max", "max 100000\n");
  EXPECT_GE(cores(), all);
  write("sys/fs/cgroup/a/cpu.max", "199999 100000\n");
  EXPECT_EQ(cores(), 1u);
}

TEST_F(MachineTest, ThisProcessUsesMemory) { EXPECT_GT(Machine{}.resident_bytes(), 1'000'000u); }

}  // namespace
}  // namespace hearth::engine
