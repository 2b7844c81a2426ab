#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "base/mutex.h"
#include "net/http.h"

namespace hearth::net {

/// What stands between a handler, on any thread, and the connection, on the net thread. The handler
/// adds, the connection takes. Shared by the handler's Exchange and the connection; either may go
/// first. Never blocks; no callback runs under its lock except `wake`.
class Answer {
 public:
  /// `wake` tells the net thread that there is something to take. It runs under the lock, on the
  /// handler's thread, and never again once close() or abandon() has returned.
  Answer(std::size_t unsent_bytes_max, std::function<void()> wake);

  // For the handler, any thread. After the client has gone or the answer is complete they do
  // nothing.
  void respond(Response response);
  void begin(int status, Headers headers);
  bool write(std::string piece);
  void end();
  /// No proper answer will come: 500 if nothing has been sent, else the connection is cut.
  void fail();
  std::stop_token stop() const { return stop_.get_token(); }

  /// What has been added since the last take().
  struct Step {
    enum class Kind {
      Nothing,  // wait for `wake`
      Whole,    // `response` is the whole answer
      Stream,   // `begins`: status and headers are in `response`; then `bytes`; then maybe `ends`
      Failed,   // send 500
      Broken,   // cut the connection
    };
    Kind kind = Kind::Nothing;
    Response response{};
    bool begins = false;
    std::string bytes{};
    bool ends = false;
  };

  // For the connection, net thread.
  Step take();
  /// The client took this many bytes of what take() gave.
  void sent(std::size_t count_bytes);
  /// The client closed its side: fires stop(). A whole answer is still taken (see README.md),
  /// pieces are refused.
  void client_left();
  /// The answer is delivered.
  void close();
  /// The connection ends before the answer did: fires stop().
  void abandon();

 private:
  enum class Phase { Waiting, Whole, Streaming, Ended, Failed, Broken, Closed };

  bool may_answer() REQUIRES(mutex_);
  void wake() REQUIRES(mutex_);
  std::optional<Step> take_stream() REQUIRES(mutex_);

  const std::size_t unsent_bytes_max_;
  std::stop_source stop_;
  Mutex mutex_;
  std::function<void()> wake_ GUARDED_BY(mutex_);
  bool woken_ GUARDED_BY(mutex_) = false;  // since the last take(): once is enough
  Phase phase_ GUARDED_BY(mutex_) = Phase::Waiting;
  bool client_left_ GUARDED_BY(mutex_) = false;
  bool begun_ GUARDED_BY(mutex_) = false;  // take() has given the head
  Response response_ GUARDED_BY(mutex_);
  std::string unsent_ GUARDED_BY(mutex_);           // pieces nobody has taken yet, joined
  std::size_t taken_bytes_ GUARDED_BY(mutex_) = 0;  // taken, but not yet with the client
};

/// The handler's end of an Answer. Dropping the last reference to it without an answer is a 500.
class HandlerExchange final : public Exchange {
 public:
  explicit HandlerExchange(std::shared_ptr<Answer> answer) : answer_(std::move(answer)) {}
  ~HandlerExchange() override { answer_->fail(); }
  HandlerExchange(const HandlerExchange&) = delete;
  HandlerExchange& operator=(const HandlerExchange&) = delete;

  void respond(Response response) override { answer_->respond(std::move(response)); }
  void begin(int status, Headers headers) override { answer_->begin(status, std::move(headers)); }
  bool write(std::string piece) override { return answer_->write(std::move(piece)); }
  void end() override { answer_->end(); }
  std::stop_token stop() const override { return answer_->stop(); }

 private:
  const std::shared_ptr<Answer> answer_;  // with the connection, until both are done
};

}  // namespace hearth::net
