#pragma once
#include <condition_variable>
#include <memory>

#include "api/grpc/library.h"
#include "base/call.h"
#include "base/mutex.h"
#include "base/time_source.h"
#include "metrics/metrics.h"

namespace hearth::api {

/// The calls of gRPC that are open, counted and bounded. Any thread.
class Calls {
 public:
  Calls(std::size_t open_max, metrics::Registry& registry, const TimeSource& time)
      : open_max_(open_max), registry_(registry), time_(time) {}

  /// One open call. Counts itself in the metrics when it ends.
  class Ticket {
   public:
    Ticket(Calls& calls, const char* method, bool is_admitted);
    ~Ticket();
    Ticket(const Ticket&) = delete;
    Ticket& operator=(const Ticket&) = delete;

    /// False: there were too many already. It is to be answered so at once.
    bool is_admitted() const { return is_admitted_; }
    /// How it was answered; if nobody says: CANCELLED.
    void note(grpc::StatusCode code) { code_ = code; }
    Clock::time_point began() const { return began_; }

   private:
    Calls& calls_;
    const char* const method_;
    const bool is_admitted_;
    const Clock::time_point began_;
    grpc::StatusCode code_ = grpc::StatusCode::CANCELLED;
  };

  /// `method`: one of a fixed set, for the metrics.
  std::unique_ptr<Ticket> open(const char* method);
  /// Waits until none is open, as long as `call` lasts. False: some still are.
  bool wait_for_none(const Call& call);

  std::size_t open_max() const { return open_max_; }
  const TimeSource& time() const { return time_; }

 private:
  void close(const Ticket& ticket, const char* method, grpc::StatusCode code);

  const std::size_t open_max_;
  metrics::Registry& registry_;
  const TimeSource& time_;
  Mutex mutex_;
  std::condition_variable_any changed_;
  std::size_t open_ GUARDED_BY(mutex_) = 0;
};

}  // namespace hearth::api
