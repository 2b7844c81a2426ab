#include "net/client/delivery.h"

namespace hearth::net {

/// While it lives the sink is being called, also when the sink throws.
class Delivery::Turn {
 public:
  explicit Turn(Delivery& delivery) : delivery_(delivery) {
    const MutexLock lock(delivery_.mutex_);
    sink_ = delivery_.sink_;
    delivery_.resumed_ = false;
    delivery_.running_ = sink_ != nullptr;
    delivery_.runner_ = std::this_thread::get_id();
  }
  ~Turn() {
    const MutexLock lock(delivery_.mutex_);
    delivery_.running_ = false;
    delivery_.idle_.notify_all();
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

  TransferSink* sink() const { return sink_.get(); }

 private:
  Delivery& delivery_;
  std::shared_ptr<TransferSink> sink_;  // with the call, however long its transfer lives
};

void Delivery::cancel() {
  const MutexLock lock(mutex_);
  cancelled_ = true;
  if (wake_) wake_();
}

void Delivery::resume() {
  const MutexLock lock(mutex_);
  paused_ = false;
  resumed_ = true;
  if (wake_) wake_();
}

void Delivery::silence() {
  std::shared_ptr<TransferSink> last;  // destroyed without the lock
  const MutexLock lock(mutex_);
  cancelled_ = true;
  last.swap(sink_);
  if (wake_) wake_();
  while (running_ && runner_ != std::this_thread::get_id()) idle_.wait(mutex_);
}

bool Delivery::cancelled() const {
  const MutexLock lock(mutex_);
  return cancelled_;
}

bool Delivery::paused() const {
  const MutexLock lock(mutex_);
  return paused_;
}

void Delivery::sent() {
  const Turn turn(*this);
  if (turn.sink()) turn.sink()->on_sent();
}

void Delivery::head(const Response& head) {
  const Turn turn(*this);
  if (turn.sink()) turn.sink()->on_head(head);
}

void Delivery::piece(std::string_view piece) {
  const Turn turn(*this);
  if (!turn.sink()) return;
  const auto flow = turn.sink()->on_piece(piece);
  const MutexLock lock(mutex_);
  // Whoever resumed meanwhile has taken what made the sink ask for a pause.
  paused_ = flow == TransferSink::Flow::Pause && !resumed_;
}

void Delivery::end(const Result<void>& outcome) {
  {
    const Turn turn(*this);
    if (turn.sink()) turn.sink()->on_end(outcome);
  }
  std::shared_ptr<TransferSink> last;
  const MutexLock lock(mutex_);
  last.swap(sink_);
  wake_ = nullptr;
}

}  // namespace hearth::net
