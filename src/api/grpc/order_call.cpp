#include "api/grpc/order_call.h"

#include <utility>

#include "api/grpc/codes.h"

namespace hearth::api {

std::shared_ptr<OrderCall> OrderCall::open(std::unique_ptr<Calls::Ticket> ticket, Fill fill) {
  auto call = std::make_shared<OrderCall>(std::move(ticket), std::move(fill));
  call->self_ = call;
  return call;
}

void OrderCall::settle(const Result<void>& how) {
  end(how.ok() ? grpc::Status::OK : grpc_status(how.error()));
}

void OrderCall::end(const grpc::Status& status) {
  {
    MutexLock lock(mutex_);
    if (settled_) return;
    settled_ = true;
  }
  // From here on this thread alone may finish the call, so ticket and response are still there.
  ticket_->note(status.error_code());
  if (status.ok()) fill_();
  Finish(status);
}

bool OrderCall::is_settled() const {
  MutexLock lock(mutex_);
  return settled_;
}

void OrderCall::OnDone() {
  const std::shared_ptr<OrderCall> last = std::move(self_);
  ticket_.reset();
}

}  // namespace hearth::api
