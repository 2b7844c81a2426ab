#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/call.h"

namespace hearth::model::pool {

/// What the pool knows of one model when it decides who may be in memory.
struct Seat {
  enum class State : std::uint8_t {
    Out,      // not in memory
    Loading,  // takes its memory already
    In,
    Closing,  // in, ends what it does and takes no more
    Leaving,  // its process is ending
  };
  State state = State::Out;
  std::uint64_t memory_bytes = 0;    // that it needs
  bool pinned = false;               // never leaves for another or for being idle
  bool dismissed = false;            // somebody has asked it to go
  std::size_t waiting = 0;           // requests that it is not in for
  std::size_t working = 0;           // requests that it answers
  Clock::time_point wanted_since{};  // since the first of the waiting came
  Clock::time_point in_since{};
  Clock::time_point used{};  // when a request came or ended last
  Millis idle_timeout{0};    // unused for so long, it leaves; 0: it stays
};

struct Limits {
  std::uint64_t memory_bytes_max = 0;  // of all that are not Out
  Millis residence_min{0};             // the turn of a model that others wait for the room of
  Millis linger{0};                    // unused for so long, it has ended its turn before
};

struct Step {
  enum class Kind : std::uint8_t {
    Load,    // Out → Loading
    Close,   // In → Closing
    Reopen,  // Closing → In
    Leave,   // In, Closing → Leaving
  };
  Kind kind;
  std::size_t seat;
  bool operator==(const Step&) const = default;
};

struct Plan {
  std::vector<Step> steps{};
  /// When to look again even if nothing happens until then; max(): there is no need.
  Clock::time_point look_again = Clock::time_point::max();
};

/// Who comes and who goes, so that whoever waits gets in as soon as that is fair:
/// - The one that waits longest comes first, and what it needs is kept for it.
/// - Room is made by those unused for longest. One that has nothing to do goes when it is unused
/// for
///   `linger`, so that who speaks with it may ask the next thing; one that works, or was used just
///   now, when it has been in for `residence_min`: it ends what it does, and what comes for it
///   meanwhile waits. So two that do not fit together and are both in use take turns of that
///   length.
/// - One that is idle for longer than it may be goes too, and one that was dismissed when it has
///   ended what it does.
/// A model that needs more than there is in all never gets in: see fits_alone(). Pure.
Plan plan(const std::vector<Seat>& seats, const Limits& limits, Clock::time_point now);

/// False if it could not be in even if every model that is not pinned was out.
bool fits_alone(const std::vector<Seat>& seats, std::size_t seat, const Limits& limits);

}  // namespace hearth::model::pool
