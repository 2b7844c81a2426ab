#include "engine/cores/core_board.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace hearth::engine {
namespace {

constexpr std::int64_t kSeatWidth = 1'024;
static_assert(kSeatWidth > CoreBoard::kCoresMax, "a gap keeps neighbouring seats apart");
constexpr std::int64_t kSeatsEnd = kSeatWidth * CoreBoard::kSeatsMax;
constexpr std::int64_t kCoresAt = std::int64_t{1} << 20;
constexpr std::int64_t kQueueAt = std::int64_t{1} << 40;
constexpr std::int64_t kQueueEnd = std::int64_t{1} << 62;  // in ns after the start: 146 years
constexpr int kTicketsTried = 64;  // two engines that queue up in one nanosecond

struct flock lock_of(short type, std::int64_t from, std::int64_t to) {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = from;
  lock.l_len = to - from;
  return lock;
}

Error refused(const std::string& path, const std::string& why) {
  return {Code::Unavailable, "the core board " + path + " cannot be used: " + why};
}

/// Errors: Unavailable (it is not ours alone).
Result<void> check_ours(int fd, const std::string& path) {
  struct stat found {};
  if (::fstat(fd, &found) != 0) return refused(path, std::generic_category().message(errno));
  if (!S_ISREG(found.st_mode)) return refused(path, "it is not a regular file");
  if (found.st_uid != ::geteuid()) return refused(path, "it belongs to another user");
  if ((found.st_mode & 077) != 0) return refused(path, "others have access to it");
  return ok();
}

}  // namespace

Result<std::unique_ptr<CoreBoard>> CoreBoard::open(const std::string& path, std::uint32_t cores) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600);
  if (fd < 0) return refused(path, std::generic_category().message(errno));
  auto board = std::unique_ptr<CoreBoard>(new CoreBoard(fd, std::clamp(cores, 1u, kCoresMax)));
  TRY_VOID(check_ours(fd, path));
  struct flock probe = lock_of(F_WRLCK, 0, 1);
  if (::fcntl(fd, F_OFD_GETLK, &probe) != 0) return refused(path, "its file system has no locks");
  return board;
}

CoreBoard::CoreBoard(int fd, std::uint32_t cores) : fd_(fd), cores_(cores) {}
CoreBoard::~CoreBoard() { ::close(fd_); }

bool CoreBoard::is_removed() const {
  struct stat found {};
  return ::fstat(fd_, &found) != 0 || found.st_nlink == 0;
}

bool CoreBoard::lock(Range range) const {
  struct flock lock = lock_of(F_WRLCK, range.from, range.to);
  return ::fcntl(fd_, F_OFD_SETLK, &lock) == 0;
}

void CoreBoard::unlock(Range range) const {
  struct flock lock = lock_of(F_UNLCK, range.from, range.to);
  ::fcntl(fd_, F_OFD_SETLK, &lock);
}

/// Some lock of another engine in the range, not always the lowest.
std::optional<CoreBoard::Range> CoreBoard::find_locked(Range range) const {
  struct flock lock = lock_of(F_WRLCK, range.from, range.to);
  if (::fcntl(fd_, F_OFD_GETLK, &lock) != 0 || lock.l_type == F_UNLCK) return std::nullopt;
  const std::int64_t end = lock.l_len == 0 ? range.to : lock.l_start + lock.l_len;
  return Range{std::max<std::int64_t>(lock.l_start, range.from), std::min(end, range.to)};
}

/// What others have locked, ascending; at most `locks_max` pieces.
std::vector<CoreBoard::Range> CoreBoard::all_locked(Range range, std::size_t locks_max) const {
  std::vector<Range> found, open{range};
  while (!open.empty() && found.size() < locks_max) {
    const Range part = open.back();
    open.pop_back();
    const auto locked = find_locked(part);
    if (!locked) continue;
    found.push_back(*locked);
    if (locked->from > part.from) open.push_back({part.from, locked->from});
    if (locked->to < part.to) open.push_back({locked->to, part.to});
  }
  std::sort(found.begin(), found.end(),
            [](const Range& a, const Range& b) { return a.from < b.from; });
  return found;
}

bool CoreBoard::sit(std::uint32_t demand) {
  if (seat_) return true;
  demand_ = std::clamp(demand, 1u, kCoresMax);
  for (std::uint32_t seat = 0; seat < kSeatsMax && !seat_; ++seat) {
    const std::int64_t from = seat * kSeatWidth;
    if (lock({from, from + demand_})) seat_ = seat;
  }
  return seat_.has_value();
}

void CoreBoard::stand_up() {
  if (!seat_) return;
  const std::int64_t from = *seat_ * kSeatWidth;
  unlock({from, from + demand_});
  seat_.reset();
}

CoreBoard::Crowd CoreBoard::crowd() const {
  Crowd crowd;
  bool placed = !seat_;
  for (const Range& locked : all_locked({0, kSeatsEnd}, kSeatsMax)) {
    if (!placed && locked.from > *seat_ * kSeatWidth) {
      crowd.place = crowd.demands.size();
      crowd.demands.push_back(demand_);
      placed = true;
    }
    crowd.demands.push_back(static_cast<std::uint32_t>(locked.to - locked.from));
  }
  if (placed) return crowd;
  crowd.place = crowd.demands.size();
  crowd.demands.push_back(demand_);
  return crowd;
}

std::uint32_t CoreBoard::held_by_others() const {
  std::int64_t cores = 0;
  for (const Range& locked : all_locked({kCoresAt, kCoresAt + kCoresMax}, kCoresMax))
    cores += locked.to - locked.from;
  return static_cast<std::uint32_t>(cores);
}

/// From the highest down: an engine that may use fewer cores than others knows only the low ones.
void CoreBoard::take(std::uint32_t wanted) {
  for (std::uint32_t left = cores_; left > 0 && held() < wanted; --left) {
    const std::uint32_t core = left - 1;
    const auto place = std::lower_bound(held_.begin(), held_.end(), core);
    if (place != held_.end() && *place == core) continue;
    if (lock({kCoresAt + core, kCoresAt + core + 1})) held_.insert(place, core);
  }
}

void CoreBoard::give_back(std::uint32_t keep) {
  while (held() > keep) {
    const std::int64_t at = kCoresAt + held_.front();
    held_.erase(held_.begin());
    unlock({at, at + 1});
  }
}

void CoreBoard::queue_up(std::uint64_t ticket) {
  if (ticket_) return;
  auto at =
      kQueueAt + static_cast<std::int64_t>(ticket % static_cast<std::uint64_t>(kQueueAt << 20));
  for (int tried = 0; tried < kTicketsTried && !ticket_; ++tried, ++at) {
    if (lock({at, at + 1})) ticket_ = at;
  }
}

void CoreBoard::leave_queue() {
  if (!ticket_) return;
  unlock({*ticket_, *ticket_ + 1});
  ticket_.reset();
}

bool CoreBoard::is_first() const { return !ticket_ || !find_locked({kQueueAt, *ticket_}); }

bool CoreBoard::someone_queues() const { return find_locked({kQueueAt, kQueueEnd}).has_value(); }

}  // namespace hearth::engine
