#include "net/server/answer.h"

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace hearth::net {

Answer::Answer(std::size_t unsent_bytes_max, std::function<void()> wake)
    : unsent_bytes_max_(unsent_bytes_max), wake_(std::move(wake)) {}

void Answer::respond(Response response) {
  MutexLock lock(mutex_);
  if (!may_answer()) return;
  response_ = std::move(response);
  phase_ = Phase::Whole;
  wake();
}

void Answer::begin(int status, Headers headers) {
  MutexLock lock(mutex_);
  if (!may_answer()) return;
  response_ = Response{.status = status, .body = {}, .headers = std::move(headers)};
  phase_ = Phase::Streaming;
  wake();
}

bool Answer::write(std::string piece) {
  {
    MutexLock lock(mutex_);
    if (phase_ != Phase::Streaming || client_left_) return false;
    if (unsent_.size() + taken_bytes_ + piece.size() <= unsent_bytes_max_) {
      // Pieces that wait are joined: one write for all of them.
      if (unsent_.empty()) {
        unsent_ = std::move(piece);
      } else {
        unsent_.append(piece);
      }
      wake();
      return true;
    }
    phase_ = Phase::Broken;
    unsent_ = {};
    wake();
  }
  stop_.request_stop();  // outside the lock: its callbacks may well call us
  return false;
}

void Answer::end() {
  MutexLock lock(mutex_);
  if (phase_ != Phase::Streaming) return;
  phase_ = Phase::Ended;
  wake();
}

void Answer::fail() {
  MutexLock lock(mutex_);
  if (phase_ == Phase::Waiting) {
    phase_ = Phase::Failed;
  } else if (phase_ == Phase::Streaming) {
    // Without the last chunk the client knows that the answer is not whole.
    phase_ = Phase::Broken;
  } else {
    return;
  }
  wake();
}

Answer::Step Answer::take() {
  MutexLock lock(mutex_);
  woken_ = false;
  switch (phase_) {
    case Phase::Whole: {
      Step step{.kind = Step::Kind::Whole};
      step.response = std::move(response_);
      return step;
    }
    case Phase::Streaming:
    case Phase::Ended:
      if (auto step = take_stream()) return *std::move(step);
      return {};
    case Phase::Failed: return {.kind = Step::Kind::Failed};
    case Phase::Broken:
    case Phase::Closed: return {.kind = Step::Kind::Broken};
    case Phase::Waiting: return {};
  }
  return {};
}

std::optional<Answer::Step> Answer::take_stream() {
  const bool ends = phase_ == Phase::Ended;
  if (begun_ && unsent_.empty() && !ends) return std::nullopt;
  Step step{.kind = Step::Kind::Stream};
  step.begins = !begun_;
  if (step.begins) step.response = std::move(response_);
  begun_ = true;
  step.bytes = std::exchange(unsent_, {});
  taken_bytes_ += step.bytes.size();
  step.ends = ends;
  return step;
}

void Answer::sent(std::size_t count_bytes) {
  MutexLock lock(mutex_);
  // Framing is sent too, so more bytes may go out than were taken.
  taken_bytes_ -= std::min(taken_bytes_, count_bytes);
}

void Answer::client_left() {
  {
    MutexLock lock(mutex_);
    client_left_ = true;
  }
  stop_.request_stop();
}

void Answer::close() {
  MutexLock lock(mutex_);
  phase_ = Phase::Closed;
  wake_ = nullptr;
  unsent_ = {};
}

void Answer::abandon() {
  close();
  stop_.request_stop();
}

bool Answer::may_answer() {
  if (phase_ == Phase::Waiting) return true;
  // Broken and Closed are no fault of the handler: the client has gone.
  if (phase_ != Phase::Broken && phase_ != Phase::Closed) {
    log::error("net: a handler answered one request twice; only the first answer counts");
  }
  return false;
}

void Answer::wake() {
  if (woken_ || !wake_) return;
  woken_ = true;
  wake_();
}

}  // namespace hearth::net
