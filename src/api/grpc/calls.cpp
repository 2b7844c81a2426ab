#include "api/grpc/calls.h"

#include "api/grpc/codes.h"

namespace hearth::api {
namespace {

std::vector<double> duration_bounds_s() {
  return {0.001, 0.005, 0.02, 0.1, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600};
}

}  // namespace

Calls::Ticket::Ticket(Calls& calls, const char* method, bool is_admitted)
    : calls_(calls), method_(method), is_admitted_(is_admitted), began_(calls.time_.now()) {}

Calls::Ticket::~Ticket() { calls_.close(*this, method_, code_); }

std::unique_ptr<Calls::Ticket> Calls::open(const char* method) {
  MutexLock lock(mutex_);
  const bool is_admitted = open_ < open_max_;
  ++open_;
  return std::make_unique<Ticket>(*this, method, is_admitted);
}

void Calls::close(const Ticket& ticket, const char* method, grpc::StatusCode code) {
  registry_
      .counter("hearth_grpc_requests_total", "Calls of gRPC answered, by method and status code.",
               {{"method", method}, {"code", grpc_code_name(code)}})
      .add();
  const std::chrono::duration<double> took = time_.now() - ticket.began();
  registry_
      .histogram("hearth_grpc_request_seconds", "From the call's arrival to the end of its answer.",
                 duration_bounds_s(), {{"method", method}})
      .observe(took.count());
  // Last, and under the lock: who waits for none may take everything down.
  MutexLock lock(mutex_);
  --open_;
  changed_.notify_all();
}

bool Calls::wait_for_none(const Call& call) {
  MutexLock lock(mutex_);
  while (open_ > 0)
    if (changed_.wait_until(mutex_, call.deadline) == std::cv_status::timeout) return open_ == 0;
  return true;
}

}  // namespace hearth::api
