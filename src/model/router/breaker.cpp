#include "model/router/breaker.h"

namespace hearth::model::router {

Breaker::State Breaker::state(Clock::time_point now) const {
  if (!open_) return State::Closed;
  return now < open_until_ ? State::Open : State::HalfOpen;
}

bool Breaker::allow(Clock::time_point now) {
  if (!would_allow(now)) return false;
  probing_ = state(now) == State::HalfOpen;
  return true;
}

void Breaker::succeeded() {
  failures_ = 0;
  open_ = probing_ = false;
}

void Breaker::failed(Clock::time_point now) {
  ++failures_;
  if (!probing_ && failures_ < failures_max_) return;
  open_ = true;
  probing_ = false;
  open_until_ = now + pause_;
}

}  // namespace hearth::model::router
