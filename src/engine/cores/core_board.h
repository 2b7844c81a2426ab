#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace hearth::engine {

/// A small file on which the engines of one user lock bytes, so that they know of each other: who
/// wants to compute, who holds which core, who waits. Nothing is ever written into it. The locks
/// belong to the open file (F_OFD_SETLK), so the kernel frees them however a process ends.
///
///     [seat * 1024, + demand)   an engine that wants to compute, with up to `demand` cores
///     [2^20 + core]             held by the engine that computes with it; which core is only a
///     name [2^40 + ticket]           an engine that waits for a core; the lowest is the first in
///     line
///
/// One thread at a time. Source: fcntl(2), "Open file description locks".
class CoreBoard {
 public:
  static constexpr std::uint32_t kSeatsMax = 64;   // engines that want to compute at one time
  static constexpr std::uint32_t kCoresMax = 512;  // of one engine; a larger number counts as this

  /// Opens the board, or makes it. `cores`: how many this engine may use. Errors: Unavailable (it
  /// cannot be opened, or is not a file that belongs to us alone; says which).
  static Result<std::unique_ptr<CoreBoard>> open(const std::string& path, std::uint32_t cores);
  ~CoreBoard();
  CoreBoard(const CoreBoard&) = delete;
  CoreBoard& operator=(const CoreBoard&) = delete;

  /// True once the file was removed: engines that open it now do not see us.
  bool is_removed() const;

  /// Takes a seat. False when all are taken.
  bool sit(std::uint32_t demand);
  void stand_up();
  bool is_seated() const { return seat_.has_value(); }
  /// All engines that are seated, by seat.
  struct Crowd {
    std::vector<std::uint32_t> demands{};  // ours among them
    std::size_t place = 0;                 // which is ours
  };
  Crowd crowd() const;

  std::uint32_t held() const { return static_cast<std::uint32_t>(held_.size()); }
  std::uint32_t held_by_others() const;
  /// Takes cores that nobody holds until `wanted` are held or none is left.
  void take(std::uint32_t wanted);
  /// Gives back all but `keep` cores.
  void give_back(std::uint32_t keep);

  /// Joins the line. `ticket`: the present time, which all engines count alike.
  void queue_up(std::uint64_t ticket);
  void leave_queue();
  bool is_first() const;        // nobody in line has a lower ticket
  bool someone_queues() const;  // anyone but us

 private:
  struct Range {
    std::int64_t from = 0, to = 0;  // [from, to)
  };
  CoreBoard(int fd, std::uint32_t cores);
  bool lock(Range range) const;
  void unlock(Range range) const;
  std::optional<Range> find_locked(Range range) const;
  std::vector<Range> all_locked(Range range, std::size_t locks_max) const;

  const int fd_;
  const std::uint32_t cores_;
  std::optional<std::uint32_t> seat_;
  std::uint32_t demand_ = 0;
  std::vector<std::uint32_t> held_;  // ascending
  std::optional<std::int64_t> ticket_;
};

}  // namespace hearth::engine
