#pragma once
#include <memory>
#include <optional>
#include <string>

#include "base/mutex.h"
#include "dialect/lost.h"
#include "model/delivery/delivery.h"
#include "model/remote/line.h"

namespace hearth::model::remote {

/// What is asked, ready to be sent.
struct Question {
  net::ClientRequest request{};
  dialect::Lost lost{};  // what the dialect had no word for
  bool may_wait = true;  // asked again where the provider is busy
  std::uint32_t answer_tokens_max = 0;
  Clock::time_point deadline{};
};

/// One generation of a provider: sends the question, reads what comes back, asks again where that
/// may help. Its own life lasts until the connection has ended, so that it can be used again. Any
/// thread.
class Asking final : public net::TransferSink, public std::enable_shared_from_this<Asking> {
 public:
  Asking(std::shared_ptr<Line> line, Question question, std::shared_ptr<EventSink> sink);
  ~Asking() override;

  /// Errors: those of net::Client::start.
  Result<void> begin();
  /// As Generation::cancel() and its destructor promise.
  void give_up(std::optional<chat::Event> last) EXCLUDES(mutex_);

  // Net thread.
  void on_sent() override EXCLUDES(mutex_);
  void on_head(const net::Response& head) override EXCLUDES(mutex_);
  Flow on_piece(std::string_view piece) override;
  void on_end(const Result<void>& outcome) override;

 private:
  enum class Body : std::uint8_t { Stream, Whole, Trouble };

  Result<void> ask() EXCLUDES(mutex_);
  void ask_again();
  std::vector<chat::Event> events_in(std::string_view data);
  void take(const std::vector<chat::Event>& events);
  void take(const chat::Event& event) EXCLUDES(mutex_);
  bool says_too_much(const chat::Delta& delta) EXCLUDES(mutex_);
  void cut_off() EXCLUDES(mutex_);
  void say_started() EXCLUDES(mutex_);
  void deliver(const chat::Event& event) EXCLUDES(mutex_);
  void broke_off(Error error);
  void refused();
  void read_whole();
  /// Ends it, or asks again after `wait` if that may help.
  void fail(Error error, std::optional<Millis> wait);
  /// How long to wait before the next attempt; absent: there is none.
  std::optional<Millis> pause_before_next(const Error& error, std::optional<Millis> wait)
      EXCLUDES(mutex_);
  void end() EXCLUDES(mutex_);
  enum class EndedBy : std::uint8_t { Us, Provider };
  std::optional<chat::Usage> charged(EndedBy who) EXCLUDES(mutex_);

  const std::shared_ptr<Line> line_;
  const Question question_;
  const Clock::time_point began_;
  Delivery delivery_;

  // Of the attempt that runs; net thread only.
  Body body_ = Body::Stream;
  net::Response head_{};
  std::string kept_{};  // an answer that is no stream
  net::EventStreamParser parser_{};
  std::unique_ptr<dialect::StreamReader> reader_{};
  std::optional<chat::Started> held_{};  // until there is more to say
  bool is_begun_ = false;                // it broke off behind the beginning of an answer
  bool is_told_ = false;                 // the last event was taken

  Mutex mutex_{};  // never held while anything else is called
  std::uint32_t attempts_ GUARDED_BY(mutex_) = 0;
  std::unique_ptr<net::Transfer> transfer_ GUARDED_BY(mutex_){};
  bool over_ GUARDED_BY(mutex_) = false;
  bool is_sent_ GUARDED_BY(mutex_) = false;  // and the provider has not refused it
  bool has_spoken_ GUARDED_BY(mutex_) = false;
  chat::Usage known_ GUARDED_BY(mutex_){};  // what it has said of its costs
  std::uint64_t said_bytes_ GUARDED_BY(mutex_) = 0;
};

}  // namespace hearth::model::remote
