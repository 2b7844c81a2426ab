#pragma once
#include <memory>

#include "aios/runtime.pb.h"
#include "api/grpc/calls.h"
#include "api/grpc/library.h"
#include "api/grpc/outlet.h"
#include "chat/message.h"

namespace hearth::api {

/// A call of Infer: the answer is kept until it is whole. gRPC holds it until the call has ended,
/// and calls OnCancel and OnDone; the rest may be called from any thread, and does nothing then.
class WholeCall final : public grpc::ServerUnaryReactor, public Outlet {
 public:
  static std::shared_ptr<WholeCall> open(aios::runtime::InferResponse& response,
                                         std::unique_ptr<Calls::Ticket> ticket);
  WholeCall(aios::runtime::InferResponse& response, std::unique_ptr<Calls::Ticket> ticket)
      : response_(response), ticket_(std::move(ticket)) {}

  bool say(const chat::Delta& delta) override;
  void finish(const Outcome& outcome) override;
  void fail(const grpc::Status& status) override;

 private:
  void OnCancel() override { caller_is_gone(); }
  void OnDone() override;

  aios::runtime::InferResponse& response_;  // gRPC's, until the call is finished
  std::shared_ptr<WholeCall> self_{};       // gRPC's share, until OnDone
  Mutex mutex_;
  std::unique_ptr<Calls::Ticket> ticket_ GUARDED_BY(mutex_);
  chat::Message said_ GUARDED_BY(mutex_){};
  bool ended_ GUARDED_BY(mutex_) = false;
};

}  // namespace hearth::api
