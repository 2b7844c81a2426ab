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
  response_.set_tokens_used(static_cast<std::int32_t>(outcome.usage.completion_tokens));
  response_.set_prompt_tokens(static_cast<std::int32_t>(outcome.usage.prompt_tokens));
  response_.set_cached_tokens(static_cast<std::int32_t>(outcome.usage.cached_tokens));
  response_.set_latency_ms(outcome.latency_ms);
  response_.set_model_used(outcome.model);
  response_.set_intelligence_level(outcome.level);
  response_.set_finish_reason(chat::finish_reason_name(outcome.reason));
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
