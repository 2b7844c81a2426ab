#include "model/pool/plan.h"

#include <algorithm>

namespace hearth::model::pool {
namespace {

using State = Seat::State;

bool is_in(const Seat& seat) { return seat.state == State::In || seat.state == State::Closing; }

/// Works out one plan. What it has decided changes its copy of the seats, for what it decides next.
class Planner {
 public:
  Planner(std::vector<Seat> seats, const Limits& limits, Clock::time_point now)
      : seats_(std::move(seats)), limits_(limits), now_(now) {
    for (const Seat& seat : seats_)
      if (seat.state != State::Out) used_bytes_ += seat.memory_bytes;
  }

  Plan make() {
    dismiss();
    leave_closed();
    seat_the_waiting();
    reopen();
    leave_idle();
    return std::move(plan_);
  }

 private:
  void take(Step::Kind kind, std::size_t at, State state) {
    plan_.steps.push_back({kind, at});
    seats_[at].state = state;
  }

  void look_at(Clock::time_point time) { plan_.look_again = std::min(plan_.look_again, time); }

  void dismiss() {
    for (std::size_t i = 0; i < seats_.size(); ++i)
      if (seats_[i].state == State::In && seats_[i].dismissed)
        take(Step::Kind::Close, i, State::Closing);
  }

  /// Those that were asked to go and have ended their work. One that has work again by being
  /// waited for goes all the same: its turn is over.
  void leave_closed() {
    for (std::size_t i = 0; i < seats_.size(); ++i)
      if (seats_[i].state == State::Closing && seats_[i].working == 0 &&
          (seats_[i].dismissed || others_wait(i)))
        leave(i);
  }

  bool others_wait(std::size_t but) const {
    for (std::size_t i = 0; i < seats_.size(); ++i)
      if (i != but && seats_[i].state == State::Out && seats_[i].waiting > 0) return true;
    return false;
  }

  void leave(std::size_t at) { take(Step::Kind::Leave, at, State::Leaving); }

  /// Bytes that are free, or will be without anybody else's going.
  std::uint64_t free_soon_bytes() const {
    std::uint64_t used = 0;
    for (const Seat& seat : seats_) {
      const bool stays = seat.state == State::In || seat.state == State::Loading;
      if (stays) used += seat.memory_bytes;
    }
    return limits_.memory_bytes_max - std::min(limits_.memory_bytes_max, used);
  }

  std::uint64_t free_bytes() const {
    return limits_.memory_bytes_max - std::min(limits_.memory_bytes_max, used_bytes_);
  }

  /// Who waits longest has the room that is there; who comes behind must fit in what is left.
  void seat_the_waiting() {
    for (const std::size_t i :
         in_order([](const Seat& s) { return s.state == State::Out && s.waiting > 0; },
                  [](const Seat& s) { return s.wanted_since; })) {
      if (!fits_alone(seats_, i, limits_)) continue;
      if (seats_[i].memory_bytes <= free_bytes()) {
        used_bytes_ += seats_[i].memory_bytes;
        take(Step::Kind::Load, i, State::Loading);
        continue;
      }
      make_room(seats_[i].memory_bytes);
      // What becomes free is for this one.
      used_bytes_ += seats_[i].memory_bytes;
      kept_bytes_ += seats_[i].memory_bytes;
    }
  }

  /// Asks as many to go as are needed for `bytes` beside what is kept for others already.
  void make_room(std::uint64_t bytes) {
    const auto may_go = [](const Seat& s) { return s.state == State::In && !s.pinned; };
    for (const std::size_t i : in_order(may_go, [](const Seat& s) { return s.used; })) {
      if (free_soon_bytes() >= bytes + kept_bytes_) return;
      const Seat& seat = seats_[i];
      const bool idle = seat.working == 0;
      Clock::time_point due = seat.in_since + limits_.residence_min;
      if (idle) due = std::min(due, std::max(seat.used, seat.in_since) + limits_.linger);
      if (now_ < due) {
        look_at(due);
      } else if (idle) {
        leave(i);
      } else {
        take(Step::Kind::Close, i, State::Closing);
      }
    }
  }

  /// Nobody waits any more for the room of one that was asked to go.
  void reopen() {
    for (std::size_t i = 0; i < seats_.size(); ++i)
      if (seats_[i].state == State::Closing && !seats_[i].dismissed && !others_wait(i))
        take(Step::Kind::Reopen, i, State::In);
  }

  void leave_idle() {
    for (std::size_t i = 0; i < seats_.size(); ++i) {
      const Seat& seat = seats_[i];
      const bool may_go = seat.state == State::In && !seat.pinned && seat.working == 0 &&
                          seat.waiting == 0 && seat.idle_timeout > Millis(0);
      if (!may_go) continue;
      const Clock::time_point due = std::max(seat.used, seat.in_since) + seat.idle_timeout;
      if (now_ >= due) {
        leave(i);
      } else {
        look_at(due);
      }
    }
  }

  template <class Which, class Key>
  std::vector<std::size_t> in_order(const Which& which, const Key& key) const {
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < seats_.size(); ++i)
      if (which(seats_[i])) found.push_back(i);
    std::ranges::stable_sort(found, {}, [&](std::size_t i) { return key(seats_[i]); });
    return found;
  }

  std::vector<Seat> seats_;
  const Limits& limits_;
  const Clock::time_point now_;
  std::uint64_t used_bytes_ = 0;  // taken, or promised to one that waits
  std::uint64_t kept_bytes_ = 0;  // of these: promised
  Plan plan_;
};

}  // namespace

Plan plan(const std::vector<Seat>& seats, const Limits& limits, Clock::time_point now) {
  return Planner(seats, limits, now).make();
}

bool fits_alone(const std::vector<Seat>& seats, std::size_t seat, const Limits& limits) {
  std::uint64_t pinned = 0;
  for (std::size_t i = 0; i < seats.size(); ++i) {
    const bool stays =
        i != seat && seats[i].pinned && (is_in(seats[i]) || seats[i].state == State::Loading);
    if (stays) pinned += seats[i].memory_bytes;
  }
  return seats[seat].memory_bytes <=
         limits.memory_bytes_max - std::min(limits.memory_bytes_max, pinned);
}

}  // namespace hearth::model::pool
