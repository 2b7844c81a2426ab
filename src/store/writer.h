#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <thread>

#include "base/bounded_queue.h"
#include "base/call.h"
#include "base/result.h"

namespace hearth::store {

class Database;

/// The one thread that changes the file. What comes while it is busy shares the next transaction,
/// and so one wait for the disk; each piece of work still happens whole or not at all, whatever
/// becomes of the others. Any thread may call write().
class Writer {
 public:
  static constexpr std::size_t kWaitingMax = 1'024;
  static constexpr std::size_t kTogetherMax = 256;  // in one transaction

  /// What must survive: Full what was promised to somebody (a message accepted, a reply to be
  /// sent), whatever happens to the power; Normal the rest, of which the last moment may be lost.
  enum class Durability : std::uint8_t { Normal, Full };
  /// Runs on the writer's thread, inside the transaction. An error undoes its own changes only.
  using Work = std::function<Result<void>(Database&)>;

  /// `database` is given over; its transactions are the writer's from now on.
  explicit Writer(Database database);
  /// Does what is waiting, then ends.
  ~Writer();

  /// Returns when `work` is committed, with its error when it failed, or when it will never be
  /// done. Work that has begun is waited for, whatever the deadline: it ends soon, and whoever asks
  /// must know how. Errors: those of `work`; Busy (kWaitingMax wait), Timeout and Cancelled (not
  /// begun in time), TooLarge (the disk is full; `store`), Corrupt, Unavailable (shutting down).
  Result<void> write(const Call& call, Durability durability, Work work);

 private:
  struct Job;
  void run();
  void put_away();
  void commit(std::vector<std::shared_ptr<Job>> jobs);
  Result<void> begin(Durability durability);
  Result<void> apply(Job& job);

  std::unique_ptr<Database> database_;  // writer thread only
  Durability set_;                      // of the connection now
  BoundedQueue<std::shared_ptr<Job>> waiting_;
  std::jthread thread_;
};

}  // namespace hearth::store
