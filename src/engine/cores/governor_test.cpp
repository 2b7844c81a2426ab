#include "engine/cores/governor.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>

namespace hearth::engine {
namespace {

using std::chrono::milliseconds;

const Clock::time_point kStart{std::chrono::hours(1)};

/// What the system tells; what is false is missing.
struct Sources {
  bool queue_delay = true, switches = true, others = true;
};

/// A machine whose steps take what was measured on two cores: a thread that must share its core
/// makes all others wait, so that two threads beside a busy process are slower than one.
class Simulation {
 public:
  Simulation(std::uint32_t cores, std::uint32_t cpus, Sources sources = {})
      : governor(cores, cpus), sources_(sources), cpus_(cpus) {}

  /// Cores that other programs want, at normal and at low priority. Low priority harms us only
  /// where `nice_competes`.
  std::function<double(Millis)> neighbours = [](Millis) { return 0.0; };
  double nice_neighbours = 0;
  bool nice_competes = false;
  std::uint32_t engine_cores = 0;  // of other engines
  std::uint32_t share = 1'000;     // what the lease would give
  StepKind kind = StepKind::Decode;
  std::uint32_t rows = 1;
  Governor governor;

  Millis now() const { return std::chrono::duration_cast<Millis>(now_ - kStart); }

  /// One step; its time.
  Micros step() {
    const std::uint32_t threads = std::min(governor.budget(kind), share);
    const double wanted = neighbours(now()) + (nice_competes ? nice_neighbours : 0) + engine_cores;
    const bool crowded = threads + wanted > cpus_ + 0.5;
    Micros wall(static_cast<std::int64_t>(single_thread_us() / (1 + 0.6 * (threads - 1))));
    if (crowded && threads > 1) wall = wall * 23 / 10;
    const Step done{.kind = kind, .rows = rows, .threads = threads, .wall = wall};
    now_ += wall;
    look_.window += wall;
    delay_ += crowded ? wall * 3 / 4 : wall / 20;
    busy_us_ += static_cast<double>(wall.count()) *
                (neighbours(now()) * (crowded ? 0.8 : 1) + engine_cores);
    nice_us_ += static_cast<double>(wall.count()) * nice_neighbours;
    others_window_ += wall;
    governor.note(done, take_look(crowded), engine_cores, now_);
    ++steps;
    return wall;
  }
  void run_until(Millis end) {
    while (now() < end) step();
  }
  /// Steps until the budget is `wanted`, at most 10,000.
  std::uint32_t steps_until(std::uint32_t wanted) {
    std::uint32_t count = 0;
    while (governor.budget(kind) != wanted && count < 10'000) {
      step();
      ++count;
    }
    return count;
  }
  double single_thread_us() const { return 33'000.0 * (rows == 1 ? 1 : rows / 3.0); }

  std::uint64_t steps = 0;

 private:
  std::optional<Look> take_look(bool crowded) {
    if (look_.window < CpuWatch::kEvery) return std::nullopt;
    Look look{.window = look_.window};
    if (sources_.queue_delay) look.queue_delay = delay_;
    if (sources_.switches)
      look.switches =
          static_cast<std::uint64_t>(look.window.count() * (crowded ? 250 : 8) / 1'000'000);
    if (sources_.others && others_window_ >= CpuWatch::kOthersEvery) {
      const auto window_us = static_cast<double>(others_window_.count());
      look.others = {busy_us_ / window_us, nice_us_ / window_us, others_window_};
      busy_us_ = nice_us_ = 0;
      others_window_ = Micros(0);
    }
    look_.window = delay_ = Micros(0);
    return look;
  }

  const Sources sources_;
  const std::uint32_t cpus_;
  Clock::time_point now_ = kStart;
  Look look_;
  Micros delay_{0}, others_window_{0};
  double busy_us_ = 0, nice_us_ = 0;
};

std::function<double(Millis)> between(Millis from, Millis to, double cores = 1) {
  return [=](Millis now) { return now >= from && now < to ? cores : 0.0; };
}

constexpr Millis kComes{3'000};
constexpr Millis kGoes{10'000};

TEST(Governor, TakesAllCoresWhenAlone) {
  for (const std::uint32_t cores : {1u, 2u, 16u}) {
    Simulation machine(cores, cores);
    machine.run_until(kComes);
    EXPECT_EQ(machine.governor.budget(StepKind::Decode), cores);
    EXPECT_EQ(machine.governor.budget(StepKind::Prefill), cores);
    EXPECT_EQ(machine.governor.downs(), 0u);
  }
}

TEST(Governor, LeavesACoreToANeighbourAndTakesItAgain) {
  Simulation machine(2, 2);
  machine.neighbours = between(kComes, kGoes);
  machine.run_until(kComes);
  EXPECT_LE(machine.steps_until(1), 2u);
  const std::uint64_t before = machine.steps;
  machine.run_until(kGoes);
  EXPECT_EQ(machine.governor.budget(StepKind::Decode), 1u);
  EXPECT_EQ(machine.governor.downs(), 2u);  // both kinds, once
  EXPECT_NEAR(machine.governor.neighbour_cores(), 1, 0.01);
  const double wanted = 0.9 * (kGoes - kComes).count() / 33.0;  // of one quiet thread
  EXPECT_GE(static_cast<double>(machine.steps - before), wanted);
  machine.steps_until(2);
  EXPECT_LE(machine.now(), kGoes + Millis(1'000));
  EXPECT_GE(machine.now(), kGoes + Millis(500));
  machine.run_until(kGoes + kGoes);
  EXPECT_EQ(machine.governor.budget(StepKind::Decode), 2u);
}

Look others_seen(double cores) {
  const Micros window{1'000'000};
  return {.window = window, .others = Look::Others{.cores = cores, .window = window}};
}

TEST(Governor, WhoWasBusyWhileNothingWasComputedTakesNoCore) {
  Simulation alone(2, 2);
  alone.run_until(Millis(1'000));
  alone.governor.note_idle(others_seen(2), kStart + Millis(2'000));
  EXPECT_EQ(alone.governor.budget(StepKind::Decode), 2u);
  EXPECT_EQ(alone.governor.budget(StepKind::Prefill), 2u);
}

TEST(Governor, WhoTookACoreKeepsItOverAPause) {
  Simulation beside(2, 2);
  beside.neighbours = [](Millis) { return 1.0; };
  beside.run_until(Millis(2'000));
  EXPECT_EQ(beside.governor.budget(StepKind::Decode), 1u);
  beside.governor.note_idle(others_seen(1), kStart + Millis(3'000));
  EXPECT_EQ(beside.governor.budget(StepKind::Decode), 1u);
  beside.governor.note_idle(others_seen(0), kStart + Millis(9'000));
  EXPECT_EQ(beside.governor.budget(StepKind::Decode), 2u);
}

TEST(Governor, DoesWithoutWhatTheSystemDoesNotTell) {
  struct Case {
    const char* name;
    Sources sources;
    std::uint32_t steps_max;  // to go down
    Millis back_max;          // after the neighbour's end
  };
  const Case kCases[] = {
      {"all", {}, 2, Millis(1'000)},
      {"no queue delay", {.queue_delay = false}, 5, Millis(1'000)},
      {"only the delay", {.switches = false, .others = false}, 2, Millis(4'500)},
      {"only switches", {.queue_delay = false, .others = false}, 4, Millis(16'500)},
      {"only others", {.queue_delay = false, .switches = false}, 6, Millis(1'000)},
      {"nothing", {false, false, false}, 4, Millis(16'500)},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    Simulation machine(2, 2, c.sources);
    machine.neighbours = between(kComes, kGoes);
    machine.run_until(kComes);
    ASSERT_EQ(machine.governor.budget(StepKind::Decode), 2u);
    EXPECT_LE(machine.steps_until(1), c.steps_max);
    machine.run_until(kGoes);
    machine.steps_until(2);
    EXPECT_LE(machine.now(), kGoes + c.back_max);
  }
}

TEST(Governor, LeavesAsManyCoresAsNeighboursUse) {
  struct Case {
    std::uint32_t cores, cpus;
    double neighbours;
    std::uint32_t want;
  };
  const Case kCases[] = {
      {2, 2, 0.3, 2}, {2, 2, 1, 1}, {2, 2, 2, 1}, {4, 4, 1, 3}, {4, 4, 2.9, 1},
      {4, 4, 9, 1},   {8, 8, 3, 5}, {2, 8, 4, 2}, {2, 8, 7, 1}, {1, 4, 2, 1},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(std::to_string(c.cores) + " of " + std::to_string(c.cpus) + " beside " +
                 std::to_string(c.neighbours));
    Simulation machine(c.cores, c.cpus);
    machine.neighbours = [&c](Millis) { return c.neighbours; };
    machine.run_until(kGoes);
    EXPECT_EQ(machine.governor.budget(StepKind::Decode), c.want);
    EXPECT_EQ(machine.governor.budget(StepKind::Prefill), c.want);
  }
}

TEST(Governor, HoldsStillBesideANeighbourThatFlickers) {
  for (const int period : {200, 600, 1'200, 3'000}) {
    SCOPED_TRACE(period);
    Simulation machine(2, 2);
    machine.neighbours = [period](Millis now) {
      return now.count() % period < period / 2 ? 1.0 : 0.0;
    };
    machine.run_until(Millis(60'000));
    EXPECT_LE(machine.governor.downs(), 2u * 60'000 / 3'000);
    machine.neighbours = [](Millis) { return 0.0; };
    machine.run_until(Millis(66'000));
    EXPECT_EQ(machine.governor.budget(StepKind::Decode), 2u);
    // It was calm for long: the next time it is as quick as the first.
    machine.run_until(Millis(80'000));
    machine.neighbours = between(Millis(80'000), Millis(83'000));
    EXPECT_LE(machine.steps_until(1), 3u);
    machine.run_until(Millis(83'000));
    machine.steps_until(2);
    EXPECT_LE(machine.now(), Millis(84'000));
  }
}

TEST(Governor, OtherEnginesAreNoNeighbours) {
  Simulation machine(4, 4);
  machine.engine_cores = 2;
  machine.share = 2;  // the lease sees to them
  machine.run_until(kComes);
  EXPECT_EQ(machine.governor.budget(StepKind::Decode), 4u);
  machine.neighbours = [](Millis) { return 1.0; };
  machine.run_until(kGoes);
  EXPECT_EQ(machine.governor.budget(StepKind::Decode), 3u);
}

TEST(Governor, BelievesInLowPriorityUntilItProvesWrong) {
  Simulation machine(2, 2);
  machine.nice_neighbours = 1;
  machine.run_until(kComes);
  EXPECT_EQ(machine.governor.budget(StepKind::Decode), 2u);
  EXPECT_EQ(machine.governor.neighbour_cores(), 0);
  machine.nice_competes = true;
  EXPECT_LE(machine.steps_until(1), 2u);
  const std::uint64_t downs = machine.governor.downs();
  machine.run_until(Millis(50'000));
  EXPECT_EQ(machine.governor.downs(), downs);  // no going up and down while it lasts
  machine.nice_neighbours = 0;
  machine.steps_until(2);
  EXPECT_LE(machine.now(), Millis(51'000));
}

TEST(Governor, LongStepsGoDownAtOnceToo) {
  Simulation machine(2, 2);
  machine.kind = StepKind::Prefill;
  machine.rows = 64;
  machine.neighbours = between(kComes, kGoes);
  machine.run_until(kComes);
  EXPECT_LE(machine.steps_until(1), 1u);
  EXPECT_EQ(machine.governor.budget(StepKind::Decode), 1u);
}

TEST(Governor, ALeaseThatGaveFewerThreadsTellsNothing) {
  Simulation machine(4, 4);
  machine.share = 2;
  machine.neighbours = [](Millis) { return 0.5; };
  machine.run_until(kComes);
  const Look denied{.window = Micros(100'000), .queue_delay = Micros(90'000)};
  machine.governor.note({.threads = 2, .wall = Micros(100'000)}, denied, 2, kStart + Millis(4'000));
  EXPECT_EQ(machine.governor.budget(StepKind::Decode), 4u);
}

TEST(Governor, KnowsWhenAStepTakesTooLong) {
  Governor governor(2, 2);
  EXPECT_EQ(governor.overtime({.threads = 2}), std::nullopt);  // nothing was learned yet
  const Look quiet{.window = Micros(60'000), .queue_delay = Micros(0)};
  governor.note({.rows = 1, .threads = 2, .wall = Micros(60'000)}, quiet, 0, kStart);
  governor.note({.rows = 2, .threads = 2, .wall = Micros(20'000)}, quiet, 0, kStart);
  governor.note({.rows = 1, .threads = 1, .wall = Micros(90'000)}, quiet, 0, kStart);
  EXPECT_EQ(governor.overtime({.rows = 1, .threads = 2}), Micros(180'000));
  EXPECT_EQ(governor.overtime({.rows = 2, .threads = 2}), Micros(100'000));  // no less than this
  EXPECT_EQ(governor.overtime({.rows = 1, .threads = 1}), std::nullopt);     // fewer are none
  EXPECT_EQ(governor.overtime({.rows = 0, .threads = 2}), std::nullopt);
  EXPECT_FALSE(Governor::is_denied({.window = Micros(100'000)}));
  EXPECT_FALSE(Governor::is_denied({.window = Micros(100'000), .queue_delay = Micros(34'999)}));
  EXPECT_TRUE(Governor::is_denied({.window = Micros(100'000), .queue_delay = Micros(35'000)}));
}

TEST(StepTimes, FollowTheContextButNotADisturbance) {
  StepTimes times;
  EXPECT_EQ(times.expected(2, 1), std::nullopt);
  times.learn({.rows = 1, .threads = 2, .wall = Micros(20'000)});
  EXPECT_EQ(times.expected(2, 1), Micros(20'000));
  EXPECT_EQ(times.expected(1, 1), std::nullopt);
  EXPECT_EQ(times.expected(2, 2), std::nullopt);
  times.learn({.rows = 1, .threads = 2, .wall = Micros(40'000)});
  EXPECT_EQ(times.expected(2, 1), Micros(21'000));
  times.learn({.rows = 1, .threads = 2, .wall = Micros(11'000)});
  EXPECT_EQ(times.expected(2, 1), Micros(18'000));
  // Batches of one class are compared by their rows.
  times.learn({.rows = 33, .threads = 2, .wall = Micros(33'000)});
  EXPECT_EQ(times.expected(2, 64), Micros(64'000));
  EXPECT_EQ(times.expected(2, 65), std::nullopt);
}

}  // namespace
}  // namespace hearth::engine
