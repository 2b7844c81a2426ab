#include "engine/cores/governor.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace hearth::engine {
namespace {

// A neighbour takes a core from us when it keeps this much of one busy; we take it again when less
// than the second number is left. With a core shared half the time, two threads are as slow as one.
constexpr double kNeighbourTakes = 0.6;
constexpr double kNeighbourLeaves = 0.45;
// Of the window: so long were threads of ours ready without a core.
constexpr double kDenied = 0.15;
constexpr double kSurelyDenied = 0.35;
constexpr double kSwitchesPerSecond = 60;  // where the delay is not known
// Against the expected time of a step.
constexpr double kSlow = 1.25;
constexpr double kVerySlow = 1.6;  // where nothing else is known
constexpr double kScaling = 0.9;   // of what one more thread would bring at best

constexpr Micros kHoldOff{500'000};
constexpr Micros kHoldOffMax{1'500'000};   // whoever leaves for good is noticed within two seconds
constexpr Micros kProvedWrong{1'500'000};  // lowered again so soon after it was raised
constexpr Micros kProvedRight{5'000'000};
constexpr int kBlindFactor = 4;  // raising without seeing the neighbours is a gamble

// A step that took so many times what it should have is begun anew with fewer threads.
constexpr int kOvertimeFactor = 3;
constexpr Micros kOvertimeMin{100'000};
// Low priority means nothing between groups of processes (cgroups, sessions): so it is believed
// until it proves wrong, and again after a while.
constexpr double kNiceTakes = 0.5;
constexpr Micros kNiceCountsFor{60'000'000};

double seconds(Micros time) { return static_cast<double>(time.count()) / 1e6; }

}  // namespace

// ---- what a step takes ------------------------------------------------------------------------

/// Rows of one class take about the same time each: 1, 2, 3, 4, then doubling.
StepTimes::Key StepTimes::key(std::uint32_t threads, std::uint32_t rows) {
  return {threads, rows <= 4 ? rows : 2 + static_cast<std::uint32_t>(std::bit_width(rows - 1))};
}

std::optional<Micros> StepTimes::expected(std::uint32_t threads, std::uint32_t rows) const {
  const auto found = per_row_us_.find(key(threads, rows));
  if (found == per_row_us_.end()) return std::nullopt;
  return Micros(std::llround(found->second * rows));
}

/// Down fast, for nothing makes a step too fast; up slowly, as the context grows.
void StepTimes::learn(const Step& step) {
  const double us = static_cast<double>(step.wall.count()) / step.rows;
  const auto [known, is_new] = per_row_us_.try_emplace(key(step.threads, step.rows), us);
  if (!is_new) known->second += (us - known->second) * (us < known->second ? 0.3 : 0.05);
}

// ---- the governor -----------------------------------------------------------------------------

Governor::Governor(std::uint32_t cores, std::uint32_t cpus)
    : cores_(std::max(1u, cores)), cpus_(std::max(cores_, cpus)) {
  for (Lane& lane : lanes_) {
    lane.limit = cores_;
    lane.hold_off = kHoldOff;
  }
}

void Governor::note(const Step& step, const std::optional<Look>& look, std::uint32_t engine_cores,
                    Clock::time_point now) {
  if (!look) return;
  if (look->queue_delay) denied_ += *look->queue_delay;
  if (look->others)
    note_others(*look->others, std::max(engine_cores, engine_cores_), Seen::Computing, now);
  engine_cores_ = engine_cores;
  if (step.rows > 0 && step.wall > Micros(0)) judge(step, *look, now);
}

void Governor::note_idle(const Look& look, Clock::time_point now) {
  if (look.others) note_others(*look.others, engine_cores_, Seen::Idle, now);
  engine_cores_ = 0;
}

/// Cores that nobody else uses, when this much of one may be in use all the same.
std::uint32_t Governor::free_cores(double slack) const {
  const double free = std::floor(cpus_ - neighbours_ + slack);
  return static_cast<std::uint32_t>(std::clamp(free, 1.0, static_cast<double>(cores_)));
}

void Governor::note_others(const Look::Others& others, std::uint32_t engine_cores, Seen seen,
                           Clock::time_point now) {
  sees_others_ = true;
  others_ = others;
  if (now - nice_counts_since_ >= kNiceCountsFor) nice_counts_ = false;
  neighbours_ = std::max(0.0, others.cores + (nice_counts_ ? others.nice_cores : 0) - engine_cores);
  for (Lane& lane : lanes_) {
    const std::uint32_t left = free_cores(kNeighbourTakes);
    const bool has_room = free_cores(kNeighbourLeaves) > lane.limit;
    if (left < lane.limit && seen == Seen::Computing) lower(lane, left, now);
    if (!has_room) lane.calm_since.reset();
    if (has_room && !lane.calm_since) lane.calm_since = now - others.window;
    if (has_room && now - *lane.calm_since >= lane.hold_off)
      raise(lane, free_cores(kNeighbourLeaves), now);
  }
}

void Governor::judge(const Step& step, const Look& look, Clock::time_point now) {
  Lane& judged = lane(step.kind);
  const bool disturbed = is_disturbed(step, look);
  if (!disturbed) times_.learn(step);
  if (!disturbed && judged.raised && now - *judged.raised >= kProvedRight)
    judged.hold_off = kHoldOff;
  if (!sees_others_) probe(judged, now);
  // Fewer threads than we may use means that other engines have the rest; it tells nothing.
  if (step.threads < judged.limit || step.threads == 1) return;
  judged.disturbed = disturbed && fewer_would_do(step) ? judged.disturbed + 1 : 0;
  if (judged.disturbed < (is_denied(look) ? 1u : 2u)) return;
  note_nice(now);
  for (Lane& each : lanes_) {
    const bool same = &each == &judged;
    if (each.limit >= step.threads && (same || is_denied(look))) lower(each, step.threads - 1, now);
  }
}

/// We were denied a core, and nobody of our own priority explains it.
void Governor::note_nice(Clock::time_point now) {
  if (neighbours_ >= kNeighbourTakes || others_.nice_cores < kNiceTakes) return;
  nice_counts_ = true;
  nice_counts_since_ = now;
}

bool Governor::is_denied(const Look& look) {
  return look.queue_delay && look.window > Micros(0) &&
         seconds(*look.queue_delay) >= kSurelyDenied * seconds(look.window);
}

std::optional<Micros> Governor::overtime(const Step& step) const {
  const auto expected = times_.expected(step.threads, step.rows);
  if (!expected || step.threads < 2 || step.rows == 0) return std::nullopt;
  return std::max(kOvertimeMin, kOvertimeFactor * *expected);
}

/// Whether something kept our threads from running, as far as the system tells.
bool Governor::is_disturbed(const Step& step, const Look& look) const {
  const auto expected = times_.expected(step.threads, step.rows);
  const double slowness = expected ? seconds(step.wall) / seconds(*expected) : 1.0;
  const double window_s = std::max(1e-3, seconds(look.window));
  if (look.queue_delay) {
    const double denied = seconds(*look.queue_delay) / window_s;
    return expected ? denied >= kDenied && slowness >= kSlow : denied >= kSurelyDenied;
  }
  if (look.switches && expected)
    return static_cast<double>(*look.switches) / window_s >= kSwitchesPerSecond &&
           slowness >= kSlow;
  return slowness >= kVerySlow;
}

/// Whether one thread less, undisturbed, would take about as long or less. Where it was never seen,
/// it is taken to scale well.
bool Governor::fewer_would_do(const Step& step) const {
  const auto now = times_.expected(step.threads, step.rows);
  const auto fewer = times_.expected(step.threads - 1, step.rows);
  if (fewer) return seconds(step.wall) >= kScaling * seconds(*fewer);
  if (!now) return true;
  return seconds(step.wall) >= kScaling * seconds(*now) * step.threads / (step.threads - 1);
}

/// Without a sight of the neighbours, only trying tells whether there is room again.
void Governor::probe(Lane& lane, Clock::time_point now) {
  if (lane.limit < cores_ && now - lane.lowered >= kBlindFactor * lane.hold_off)
    raise(lane, lane.limit + 1, now);
}

void Governor::lower(Lane& lane, std::uint32_t limit, Clock::time_point now) {
  if (lane.raised && now - *lane.raised < kProvedWrong)
    lane.hold_off = std::min(2 * lane.hold_off, kHoldOffMax);
  lane.limit = limit;
  lane.disturbed = 0;
  lane.calm_since.reset();
  lane.lowered = now;
  ++downs_;
}

void Governor::raise(Lane& lane, std::uint32_t limit, Clock::time_point now) {
  lane.limit = limit;
  lane.disturbed = 0;
  lane.calm_since.reset();
  lane.raised = now;
  ++ups_;
}

}  // namespace hearth::engine
