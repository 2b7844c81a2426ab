#include "api/run/desk.h"

namespace hearth::api {

Desk::Desk() {
  for (std::size_t i = 0; i < kThreads; ++i)
    threads_.emplace_back([this](const std::stop_token& stop) { work(stop); });
}

Desk::~Desk() {
  for (auto& thread : threads_) thread.request_stop();
  threads_.clear();  // joins
}

bool Desk::try_submit(std::function<void()> job) {
  ++size_;  // before it can be done
  const bool taken = jobs_.try_push(std::move(job));
  if (!taken) --size_;
  return taken;
}

void Desk::work(const std::stop_token& stop) {
  constexpr auto kLookAgain = std::chrono::hours(1);  // only a bound; jobs and stop wake it at once
  while (!stop.stop_requested()) {
    auto job = jobs_.pop(Call::within(kLookAgain, stop));
    if (!job.ok() || !job.value()) continue;
    (*job.value())();
    --size_;
  }
}

}  // namespace hearth::api
