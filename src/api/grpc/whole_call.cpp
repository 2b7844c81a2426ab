#include "api/grpc/whole_call.h"

#include <utility>

namespace hearth::api {

std::shared_ptr<WholeCall> WholeCall::open(aios::runtime::InferResponse& response,
                                           std::unique_ptr<Calls::Ticket> ticket) {
  auto call = std::make_shared<WholeCall>(response, std::move(ticket));
  call->self_ = call;
  return call;
}

bool WholeCall::say(const chat::Delta& delta) {
  MutexLock lock(mutex_);
  chat::absorb(said_, delta);
  return !ended_;
}

void WholeCall::finish(const Outcome& outcome) {
  {
    MutexLock lock(mutex_);
    if (ended_) return;
    ended_ = true;
    ticket_->note(grpc::StatusCode::OK);
    response_.set_text(std::move(said_.content));
    response_.set_reasoning(std::move(said_.reasoning));
  }
  // From here on this thread alone may finish the call, so the response is still there.
  fill_in(outcome, response_);
  Finish(grpc::Status::OK);
}

void WholeCall::fail(const grpc::Status& status) {
  {
    MutexLock lock(mutex_);
    if (ended_) return;
    ended_ = true;
    ticket_->note(status.error_code());
  }
  Finish(status);
}

void WholeCall::OnDone() {
  const std::shared_ptr<WholeCall> last = std::move(self_);  // outlives the lock
  MutexLock lock(mutex_);
  ticket_.reset();
}

}  // namespace hearth::api
