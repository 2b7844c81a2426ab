#pragma once
#include <condition_variable>
#include <functional>
#include <memory>
#include <thread>

#include "base/mutex.h"
#include "net/client.h"

namespace hearth::net {

/// What stands between a Transfer, on any thread, and its work, on the net thread; here the
/// promises of Transfer and TransferSink are kept. Shared by both; either may go first.
class Delivery {
 public:
  /// `wake` makes the net thread look again; it is never called once end() has returned.
  Delivery(std::shared_ptr<TransferSink> sink, std::function<void()> wake)
      : sink_(std::move(sink)), wake_(std::move(wake)) {}
  Delivery(const Delivery&) = delete;
  Delivery& operator=(const Delivery&) = delete;

  // Any thread.
  void cancel() EXCLUDES(mutex_);
  void resume() EXCLUDES(mutex_);
  /// Cancels; once it has returned no call to the sink runs, unless this is inside of one, and
  /// none will come.
  void silence() EXCLUDES(mutex_);
  bool cancelled() const EXCLUDES(mutex_);

  // Net thread.
  bool paused() const EXCLUDES(mutex_);
  void sent() EXCLUDES(mutex_);
  void head(const Response& head) EXCLUDES(mutex_);
  void piece(std::string_view piece) EXCLUDES(mutex_);
  void end(const Result<void>& outcome) EXCLUDES(mutex_);

 private:
  class Turn;  // one call to the sink

  mutable Mutex mutex_;  // never held while the sink is called
  std::condition_variable_any idle_;
  std::shared_ptr<TransferSink> sink_ GUARDED_BY(mutex_);  // null once silent or ended
  std::function<void()> wake_ GUARDED_BY(mutex_);          // null once ended
  bool cancelled_ GUARDED_BY(mutex_) = false;
  bool paused_ GUARDED_BY(mutex_) = false;
  bool resumed_ GUARDED_BY(mutex_) = false;  // since the sink was called
  bool running_ GUARDED_BY(mutex_) = false;
  std::thread::id runner_ GUARDED_BY(mutex_);
};

}  // namespace hearth::net
