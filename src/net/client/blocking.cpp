#include "net/client/blocking.h"

#include <condition_variable>
#include <optional>
#include <string>
#include <utility>

#include "base/mutex.h"

namespace hearth::net {
namespace {

// What may wait for the caller before no more is read.
constexpr std::size_t kWaitingBytesMax = 256 * 1024;

/// Between the net thread, which fills it, and the caller, who waits for more.
class Inlet final : public TransferSink {
 public:
  void on_head(const Response& head) override {
    const MutexLock lock(mutex_);
    next_.head = head;
    changed_.notify_one();
  }

  Flow on_piece(std::string_view piece) override {
    const MutexLock lock(mutex_);
    next_.bytes.append(piece);
    changed_.notify_one();
    return next_.bytes.size() >= kWaitingBytesMax ? Flow::Pause : Flow::More;
  }

  void on_end(const Result<void>& outcome) override {
    const MutexLock lock(mutex_);
    next_.outcome = outcome;
    changed_.notify_one();
  }

  /// What has come since the last call.
  struct Step {
    std::optional<Response> head{};
    std::string bytes{};
    std::optional<Result<void>> outcome{};
    bool is_empty() const { return !head && bytes.empty() && !outcome; }
  };
  /// Waits for something; the transfer's own deadline and stop see to it that something comes.
  Step next() {
    const MutexLock lock(mutex_);
    while (next_.is_empty()) changed_.wait(mutex_);
    return std::exchange(next_, {});
  }

 private:
  Mutex mutex_;
  std::condition_variable_any changed_;
  Step next_ GUARDED_BY(mutex_);
};

/// Takes the steps of one answer on the caller's thread.
class Taker {
 public:
  Taker(const std::function<bool(std::string_view)>& on_piece,
        const std::function<bool(const Response&)>& on_head)
      : on_piece_(on_piece), on_head_(on_head) {}

  /// False when the caller has had enough. Errors: TooLarge.
  Result<bool> take(Inlet::Step& step) {
    if (step.head) {
      response_ = *std::move(step.head);
      if (on_head_ && !on_head_(response_)) return false;
    }
    if (step.bytes.empty()) return true;
    if (on_piece_ && response_.status / 100 == 2) return on_piece_(step.bytes);
    response_.body += step.bytes;
    if (response_.body.size() <= kAnswerBytesMax) return true;
    return Error{Code::TooLarge, "the error answer is too large"};
  }

  Response response() { return std::move(response_); }

 private:
  const std::function<bool(std::string_view)>& on_piece_;
  const std::function<bool(const Response&)>& on_head_;
  Response response_{.status = 0};
};

}  // namespace

Result<Response> converse(const Call& call, Client& client, ClientRequest request,
                          const std::function<bool(std::string_view)>& on_piece,
                          const std::function<bool(const Response&)>& on_head) {
  if (!on_piece) request.body_bytes_max = kAnswerBytesMax;
  const auto inlet = std::make_shared<Inlet>();
  TRY(const auto transfer, client.start(call, request, inlet));
  Taker taker(on_piece, on_head);
  for (;;) {
    auto step = inlet->next();
    TRY(const bool goes_on, taker.take(step));
    if (!goes_on) return taker.response();
    if (step.outcome && !step.outcome->ok()) return step.outcome->error();
    if (step.outcome) return taker.response();
    transfer->resume();
  }
}

}  // namespace hearth::net
