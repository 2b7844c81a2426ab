#include "store/writer.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <vector>

#include "base/log.h"
#include "store/sqlite/database.h"

namespace hearth::store {
namespace {

constexpr Millis kIdle{3'600'000};  // a wait that found nothing by then is repeated

}  // namespace

/// Shared between whoever asked and the writer: the first may be gone before it is begun.
struct Writer::Job {
  enum class State : std::uint8_t { Waiting, Begun, Abandoned, Done };

  Job(Durability wanted, Work what) : durability(wanted), work(std::move(what)) {}
  const Durability durability;
  const Work work;
  std::mutex mutex;  // guards what follows
  State state = State::Waiting;
  Result<void> result;
  std::condition_variable_any changed;

  /// False if nobody wants it any more.
  bool begin() {
    const std::lock_guard lock(mutex);
    if (state == State::Abandoned) return false;
    state = State::Begun;
    return true;
  }
  void finish(Result<void> outcome) {
    const std::lock_guard lock(mutex);
    result = std::move(outcome);
    state = State::Done;
    changed.notify_all();
  }
  Result<void> wait(const Call& call) {
    std::unique_lock lock(mutex);
    const bool begun = changed.wait_until(lock, call.stop, call.deadline,
                                          [this] { return state != State::Waiting; });
    if (!begun) {
      state = State::Abandoned;
      return Error{call.stop.stop_requested() ? Code::Cancelled : Code::Timeout,
                   "the store was too busy to begin a write in time"};
    }
    changed.wait(lock, [this] { return state == State::Done; });
    return std::move(result);
  }
};

Writer::Writer(Database database)
    : database_(std::make_unique<Database>(std::move(database))),
      set_(Durability::Full),
      waiting_(kWaitingMax),
      thread_([this] { run(); }) {}

Writer::~Writer() { waiting_.close(); }

Result<void> Writer::write(const Call& call, Durability durability, Work work) {
  auto job = std::make_shared<Job>(durability, std::move(work));
  if (waiting_.try_push(job)) return job->wait(call);
  if (waiting_.drained()) return Error{Code::Unavailable, "the store is closed"};
  return Error{Code::Busy, "too many writes wait for the store (" + std::to_string(kWaitingMax) +
                               "); try again"};
}

void Writer::run() {
  for (;;) {
    auto first = waiting_.pop(Call::within(kIdle));
    if (!first.ok()) continue;
    if (!first.value()) return put_away();
    std::vector<std::shared_ptr<Job>> jobs{std::move(*first.value())};
    while (jobs.size() < kTogetherMax) {
      auto next = waiting_.try_pop();
      if (!next) break;
      jobs.push_back(std::move(*next));
    }
    std::erase_if(jobs, [](const auto& job) { return !job->begin(); });
    if (!jobs.empty()) commit(std::move(jobs));
  }
}

/// What lies beside the file goes into it, so that a copy of the one file is all there is. If it
/// cannot be, whoever opens the file next finds it.
void Writer::put_away() {
  const auto done = database_->run("PRAGMA wal_checkpoint(TRUNCATE);");
  if (!done.ok()) log::warn("the store was not put away whole: {}", done.error().message);
}

/// How much a commit waits for the disk can only be set between transactions.
Result<void> Writer::begin(Durability durability) {
  if (durability != set_) {
    const bool full = durability == Durability::Full;
    TRY_VOID(database_->run(full ? "PRAGMA synchronous = FULL;" : "PRAGMA synchronous = NORMAL;"));
    set_ = durability;
  }
  return database_->run("BEGIN IMMEDIATE;");
}

Result<void> Writer::apply(Job& job) {
  TRY_VOID(database_->run("SAVEPOINT work;"));
  Result<void> done = job.work(*database_);
  // A full disk may have ended the whole transaction.
  if (!done.ok() && !database_->is_between_transactions())
    TRY_VOID(database_->run("ROLLBACK TO work;"));
  if (!database_->is_between_transactions()) TRY_VOID(database_->run("RELEASE work;"));
  return done;
}

void Writer::commit(std::vector<std::shared_ptr<Job>> jobs) {
  const auto most = std::ranges::max_element(
      jobs, {}, [](const std::shared_ptr<Job>& job) { return job->durability; });
  Result<void> together = begin((*most)->durability);
  std::vector<Result<void>> each;
  for (const auto& job : jobs) {
    if (!together.ok()) break;
    each.push_back(apply(*job));
    if (database_->is_between_transactions()) together = each.back();
  }
  if (together.ok()) together = database_->run("COMMIT;");
  if (!together.ok()) {
    database_->roll_back();
    log::warn("{} writes are undone: {}", jobs.size(), together.error().message);
  }
  for (std::size_t i = 0; i < jobs.size(); ++i)
    jobs[i]->finish(together.ok() ? std::move(each[i]) : together);
}

}  // namespace hearth::store
