#pragma once
#include <condition_variable>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "model/pool/passage.h"
#include "model/pool/plan.h"
#include "model/pool/pool.h"

namespace hearth::model::pool {

inline std::string megabytes(std::uint64_t bytes) { return std::to_string(bytes >> 20) + " MiB"; }

/// What the pool's models, their generations and the thread that loads them share. Any thread.
class House : public std::enable_shared_from_this<House> {
 public:
  House(std::vector<PoolEntry> entries, PoolOptions options, const TimeSource& time,
        metrics::Registry& metrics);

  std::size_t size() const { return rooms_.size(); }
  const PoolEntry& entry(std::size_t at) const { return rooms_[at].entry; }

  State state(std::size_t at) const EXCLUDES(mutex_);
  std::string state_text(std::size_t at) const EXCLUDES(mutex_);
  engine::ModelFacts facts(std::size_t at) const EXCLUDES(mutex_);
  std::string numerics(std::size_t at) const EXCLUDES(mutex_);
  std::uint32_t context_tokens(std::size_t at) const EXCLUDES(mutex_);
  /// If it is loaded, or loading.
  std::shared_ptr<Model> loaded(std::size_t at) const EXCLUDES(mutex_);

  /// Errors: as Model::start().
  Result<std::unique_ptr<Generation>> start(std::size_t at, chat::Request request,
                                            std::shared_ptr<EventSink> sink) EXCLUDES(mutex_);
  /// One that waited is given up.
  void forget(std::size_t at, const std::shared_ptr<Passage>& passage) EXCLUDES(mutex_);

  /// The right to ask a model something; it is not unloaded meanwhile.
  class Lease {
   public:
    Lease(std::shared_ptr<House> house, std::size_t at, std::shared_ptr<Model> model)
        : house_(std::move(house)), at_(at), model_(std::move(model)) {}
    Lease(Lease&&) noexcept = default;
    Lease& operator=(Lease&&) = delete;
    ~Lease() {
      if (house_) house_->end_work(at_);
    }
    Model& model() { return *model_; }

   private:
    std::shared_ptr<House> house_;
    std::size_t at_;
    std::shared_ptr<Model> model_;
  };
  /// Waits until it is loaded or loading. Errors: Unavailable, Busy, Timeout, Cancelled.
  Result<Lease> borrow(const Call& call, std::size_t at) EXCLUDES(mutex_);

  Result<void> order(std::size_t at) EXCLUDES(mutex_);
  Result<void> dismiss(std::size_t at) EXCLUDES(mutex_);

  /// The thread that loads and unloads, until it is told to stop; then all models are ended.
  void keep(const std::stop_token& stop) EXCLUDES(mutex_);

 private:
  struct Room {
    PoolEntry entry;
    Seat seat{};
    std::shared_ptr<Model> model{};
    std::deque<std::shared_ptr<Passage>> waiting{};
    std::size_t asking = 0;  // calls of borrow() that wait
    bool ordered = false;
    std::string trouble{};  // why it could not be loaded last
    Clock::time_point refused_until{};
    engine::ModelFacts facts{};  // as last known
    std::string numerics{};
    std::uint32_t context_tokens = 0;
    std::string broken{};  // PoolFile::trouble
    metrics::Counter* loads = nullptr;
    metrics::Counter* unloads = nullptr;
  };
  /// What has to be done without the lock.
  struct Chores {
    std::vector<std::size_t> loads{}, hand_overs{};
    std::vector<std::pair<std::size_t, std::shared_ptr<Model>>> goodbyes{};
    std::vector<std::pair<std::shared_ptr<Passage>, Error>> refusals{};
    Clock::time_point look_again = Clock::time_point::max();
    bool empty() const {
      return loads.empty() && hand_overs.empty() && goodbyes.empty() && refusals.empty();
    }
  };

  void look_again(std::size_t at) EXCLUDES(mutex_);
  void take(Room& room, PoolFile file) REQUIRES(mutex_);
  bool admits(const Room& room) const REQUIRES(mutex_);
  Result<void> check(const Room& room, std::size_t at) const REQUIRES(mutex_);
  void note_wanted(Room& room) REQUIRES(mutex_);
  void count_waiting(Room& room) REQUIRES(mutex_);
  void end_work(std::size_t at) EXCLUDES(mutex_);

  // The keeper's.
  Chores next_chores() EXCLUDES(mutex_);
  void note_loaded(Chores& chores) REQUIRES(mutex_);
  void remember(Room& room) REQUIRES(mutex_);
  void take_overdue(Chores& chores) REQUIRES(mutex_);
  void follow(const Plan& plan, Chores& chores) REQUIRES(mutex_);
  void refuse(Room& room, const std::string& why, Chores& chores) REQUIRES(mutex_);
  void load(std::size_t at) EXCLUDES(mutex_);
  void hand_over(std::size_t at) EXCLUDES(mutex_);
  void see_off(std::size_t at, std::shared_ptr<Model> model) EXCLUDES(mutex_);
  void wait(const std::stop_token& stop, Clock::time_point until) EXCLUDES(mutex_);
  void close() EXCLUDES(mutex_);
  std::vector<Seat> seats() const REQUIRES(mutex_);

  const Limits limits_;
  const TimeSource& time_;
  mutable Mutex mutex_;  // never held while a model is opened, ended or started, or in a sink
  std::condition_variable_any changed_{};
  std::vector<Room> rooms_;  // entries never change
  bool closed_ GUARDED_BY(mutex_) = false;
  bool nudged_ GUARDED_BY(mutex_) = false;
};

}  // namespace hearth::model::pool
