#include "engine/cores/core_lease.h"

#include <algorithm>
#include <thread>

#include "base/log.h"

namespace hearth::engine {
namespace {

constexpr Millis kPoll{1};
/// The first in line that does not take a free core for so long (it may have been stopped) is
/// passed over.
constexpr Millis kFirstTakesWithin{20};

std::uint64_t ticket() {
  return static_cast<std::uint64_t>(Clock::now().time_since_epoch() / std::chrono::nanoseconds(1));
}

}  // namespace

std::uint32_t fair_share(std::uint32_t budget, const CoreBoard::Crowd& crowd) {
  std::vector<std::uint32_t> dealt(crowd.demands.size(), 0);
  bool anyone = true;
  while (budget > 0 && anyone) {
    anyone = false;
    for (std::size_t i = 0; i < dealt.size() && budget > 0; ++i) {
      if (dealt[i] >= crowd.demands[i]) continue;
      ++dealt[i];
      --budget;
      anyone = true;
    }
  }
  return std::max(1u, crowd.place < dealt.size() ? dealt[crowd.place] : 1u);
}

Result<std::unique_ptr<CoreLease>> CoreLease::open(const std::string& path, std::uint32_t cores,
                                                   LeaseTimes times) {
  TRY(auto board, CoreBoard::open(path, cores));
  return std::unique_ptr<CoreLease>(new CoreLease(path, cores, times, std::move(board)));
}

CoreLease::CoreLease(std::string path, std::uint32_t cores, LeaseTimes times,
                     std::unique_ptr<CoreBoard> board)
    : path_(std::move(path)), cores_(cores), times_(times), board_(std::move(board)) {}

/// A board that was cleaned away is made anew, so that all engines meet on the same one again.
void CoreLease::sit(std::uint32_t demand) {
  if (board_->is_seated()) return;
  if (board_->is_removed()) {
    auto again = CoreBoard::open(path_, cores_);
    if (again.ok()) board_ = std::move(again).value();
  }
  if (!board_->sit(demand)) log::warn("{} engines compute already", CoreBoard::kSeatsMax);
}

CoreLease::Grant CoreLease::acquire(std::uint32_t demand, std::uint32_t budget,
                                    const std::function<bool()>& stop) {
  const auto now = Clock::now();
  if (board_->held() > 0 && budget == budget_ && now - looked_ < times_.look_after) return grant_;
  sit(demand);
  looked_ = now;
  budget_ = budget;
  const CoreBoard::Crowd crowd = board_->crowd();
  const std::uint32_t share = fair_share(budget, crowd);
  settle(share, now);
  if (board_->held() == 0 && now < go_on_until_) board_->take(share);
  if (board_->held() == 0 && now >= go_on_until_) wait_for_core(share, stop);
  grant_ = {.cores = std::max(1u, board_->held()),
            .engines = static_cast<std::uint32_t>(crowd.demands.size()),
            .held_by_others = crowd.demands.size() > 1 ? board_->held_by_others() : 0};
  return grant_;
}

/// Goes to `share` where that needs no waiting. Whoever waits shows that the shares do not fit
/// (engines may count the cores differently, and there may be too many of them): then a core is
/// given back, and the last one when its time is over.
void CoreLease::settle(std::uint32_t share, Clock::time_point now) {
  if (board_->held() == 0) return;
  const bool waited_for = board_->someone_queues();
  if (waited_for && board_->held() > 1) share = std::min(share, board_->held() - 1);
  if (waited_for && board_->held() == 1) share = now - slice_started_ >= times_.slice ? 0 : 1;
  board_->give_back(share);
  if (!waited_for) board_->take(share);
}

void CoreLease::wait_for_core(std::uint32_t share, const std::function<bool()>& stop) {
  const auto began = Clock::now();
  auto first_since = began;  // since when nobody took what seems to be free
  if (!board_->someone_queues()) board_->take(share);
  while (board_->held() == 0) {
    board_->queue_up(ticket());
    const auto now = Clock::now();
    const bool free = board_->held_by_others() < cores_;
    if (!free) first_since = now;
    if (board_->is_first() || now - first_since >= kFirstTakesWithin)
      board_->take(board_->someone_queues() ? 1 : share);
    if (now - began >= times_.patience) go_on_until_ = now + times_.go_on;
    if (board_->held() > 0 || now < go_on_until_ || stop()) break;
    std::this_thread::sleep_for(kPoll);
  }
  board_->leave_queue();
  slice_started_ = Clock::now();
}

void CoreLease::release() {
  board_->leave_queue();
  board_->give_back(0);
  board_->stand_up();
}

}  // namespace hearth::engine
