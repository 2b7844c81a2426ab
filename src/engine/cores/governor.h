#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>

#include "engine/cores/cpu_watch.h"

namespace hearth::engine {

/// Steps of running answers only, and steps that also read a prompt: a prompt's graph nodes are
/// long, so its threads lose less when one of them must share its core.
enum class StepKind : std::uint8_t { Decode, Prefill };

struct Step {
  StepKind kind = StepKind::Decode;
  std::uint32_t rows = 1;  // tokens of the batch; 0: its time is not comparable
  std::uint32_t threads = 1;
  Micros wall{0};
};

/// How long an undisturbed step takes, learned from those that were, for each number of threads
/// and size of batch.
class StepTimes {
 public:
  std::optional<Micros> expected(std::uint32_t threads, std::uint32_t rows) const;
  void learn(const Step& step);

 private:
  using Key = std::pair<std::uint32_t, std::uint32_t>;  // threads, class of the rows
  static Key key(std::uint32_t threads, std::uint32_t rows);
  std::map<Key, double> per_row_us_;  // at most threads_max x 11 classes
};

/// Decides how many cores there are for computing beside what other programs use. Where threads
/// wait for each other at the end of every graph node, one that lost its core stops all of them, so
/// a core that somebody else keeps busy is left to him at once, and taken again once it was free
/// for a while. Decode and prefill are judged apart. Pure: time and facts come from outside. What a
/// system does not tell is done without, down to the step times alone.
class Governor {
 public:
  /// `cores`: the most to use; `cpus`: how many there are, more than `cores` under a quota.
  Governor(std::uint32_t cores, std::uint32_t cpus);

  /// Cores for the next step of this kind, 1 to `cores`.
  std::uint32_t budget(StepKind kind) const { return lane(kind).limit; }
  /// Takes note of a step and of what was seen of the machine since. `engine_cores`: what other
  /// engines held of the cores meanwhile, which are no neighbours.
  void note(const Step& step, const std::optional<Look>& look, std::uint32_t engine_cores,
            Clock::time_point now);

  /// Takes note of what was seen while nothing was computed. Others that were busy then do not take
  /// a core: they may just have done their part, as a tool whose result is asked about. They only
  /// keep what they had, or leave it.
  void note_idle(const Look& look, Clock::time_point now);

  /// A step that takes so long is not worth going on with, if its threads were denied their cores
  /// meanwhile (see is_denied). Absent where it cannot be known, or fewer threads cannot help.
  std::optional<Micros> overtime(const Step& step) const;
  /// Whether threads of ours waited so long that something else surely has a core of ours.
  static bool is_denied(const Look& look);

  double neighbour_cores() const { return neighbours_; }  // kept busy by others, at the last look
  std::uint64_t downs() const { return downs_; }
  std::uint64_t ups() const { return ups_; }
  Micros denied() const { return denied_; }  // that threads of ours waited for a core, in all

 private:
  struct Lane {
    std::uint32_t limit = 1;
    std::uint32_t disturbed = 0;                    // looks in a row that found its steps disturbed
    std::optional<Clock::time_point> calm_since{};  // there has been room for one more since
    std::optional<Clock::time_point> raised{};
    Clock::time_point lowered{};
    Micros hold_off{0};
  };
  const Lane& lane(StepKind kind) const { return lanes_[static_cast<std::size_t>(kind)]; }
  Lane& lane(StepKind kind) { return lanes_[static_cast<std::size_t>(kind)]; }

  enum class Seen : std::uint8_t { Computing, Idle };
  void note_others(const Look::Others& others, std::uint32_t engine_cores, Seen seen,
                   Clock::time_point now);
  void note_nice(Clock::time_point now);
  void judge(const Step& step, const Look& look, Clock::time_point now);
  bool is_disturbed(const Step& step, const Look& look) const;
  bool fewer_would_do(const Step& step) const;
  void probe(Lane& lane, Clock::time_point now);
  void lower(Lane& lane, std::uint32_t limit, Clock::time_point now);
  void raise(Lane& lane, std::uint32_t limit, Clock::time_point now);
  std::uint32_t free_cores(double slack) const;

  const std::uint32_t cores_;
  const std::uint32_t cpus_;
  StepTimes times_;
  std::array<Lane, 2> lanes_;
  double neighbours_ = 0;
  Look::Others others_{};     // at the last look
  bool nice_counts_ = false;  // processes of a lower priority take cores from us all the same
  Clock::time_point nice_counts_since_{};
  bool sees_others_ = false;
  std::uint32_t engine_cores_ = 0;  // at the note before
  std::uint64_t downs_ = 0, ups_ = 0;
  Micros denied_{0};
};

}  // namespace hearth::engine
