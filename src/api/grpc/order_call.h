#pragma once
#include <functional>
#include <memory>

#include "api/grpc/calls.h"
#include "api/grpc/library.h"
#include "api/grpc/model_watch.h"
#include "base/mutex.h"

namespace hearth::api {

/// A call that has one answer, now or once a model is as it should be. gRPC holds it until the call
/// has ended, and calls OnCancel and OnDone; the rest may be called from any thread, and does
/// nothing then.
class OrderCall final : public grpc::ServerUnaryReactor, public Waiter {
 public:
  /// Fills in the response when all went well.
  using Fill = std::function<void()>;
  static std::shared_ptr<OrderCall> open(std::unique_ptr<Calls::Ticket> ticket, Fill fill);
  OrderCall(std::unique_ptr<Calls::Ticket> ticket, Fill fill)
      : fill_(std::move(fill)), ticket_(std::move(ticket)) {}

  const Calls::Ticket& ticket() const { return *ticket_; }  // before the call is given to gRPC
  /// The first of these counts.
  void settle(const Result<void>& how) override;
  void end(const grpc::Status& status);
  bool is_settled() const override;

 private:
  void OnCancel() override { end(grpc::Status::CANCELLED); }
  void OnDone() override;

  const Fill fill_;
  std::shared_ptr<OrderCall> self_{};  // gRPC's share, until OnDone
  mutable Mutex mutex_;
  std::unique_ptr<Calls::Ticket> ticket_;
  bool settled_ GUARDED_BY(mutex_) = false;
};

}  // namespace hearth::api
