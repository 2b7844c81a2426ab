#include "net/server/workers.h"

#include <exception>

#include "base/log.h"

namespace hearth::net {

Workers::Workers(Handler handler, int count, std::size_t waiting_max)
    : handler_(std::move(handler)), jobs_(waiting_max) {
  for (int i = 0; i < count; ++i) {
    threads_.emplace_back([this](const std::stop_token& stop) { work(stop); });
  }
}

Workers::~Workers() {
  for (auto& thread : threads_) thread.request_stop();
  threads_.clear();
}

void Workers::work(const std::stop_token& stop) {
  const Call forever{.deadline = Clock::time_point::max(), .stop = stop};
  while (!stop.stop_requested()) {
    auto job = jobs_.pop(forever);
    if (!job.ok() || !job.value() || stop.stop_requested()) return;
    run(*std::move(job).value());
  }
}

void Workers::run(Job job) {
  // The query is left out: it may hold what must not be logged.
  const auto path = job.request.target.substr(0, job.request.target.find('?'));
  auto exchange = std::make_shared<HandlerExchange>(job.answer);
  // The wall between us and what handlers may throw; the answer becomes 500.
  try {
    handler_(job.request, std::move(exchange));
    return;
  } catch (const std::exception& problem) {
    log::error("net: the handler of {} {} threw: {}", job.request.method, path, problem.what());
  } catch (...) {
    log::error("net: the handler of {} {} threw", job.request.method, path);
  }
  job.answer->fail();
}

}  // namespace hearth::net
