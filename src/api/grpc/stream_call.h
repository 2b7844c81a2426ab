#pragma once
#include <deque>
#include <memory>
#include <optional>

#include "aios/runtime.pb.h"
#include "api/grpc/calls.h"
#include "api/grpc/library.h"
#include "api/grpc/outlet.h"

namespace hearth::api {

/// A call of StreamInfer: a chunk for each delta, one on its way at a time. gRPC holds it until the
/// call has ended, and calls OnWriteDone, OnCancel and OnDone; the rest may be called from any
/// thread, and does nothing then.
class StreamCall final : public grpc::ServerWriteReactor<aios::runtime::InferChunk>, public Outlet {
 public:
  /// Of chunks that wait because the caller does not take them; beyond that it is given up.
  static constexpr std::size_t kUnsentBytesMax = std::size_t{1} << 20;

  static std::shared_ptr<StreamCall> open(grpc::CallbackServerContext& context,
                                          std::unique_ptr<Calls::Ticket> ticket);
  StreamCall(grpc::CallbackServerContext& context, std::unique_ptr<Calls::Ticket> ticket)
      : context_(context), ticket_(std::move(ticket)) {}

  bool say(const chat::Delta& delta) override;
  void finish(const Outcome& outcome) override;
  void fail(const grpc::Status& status) override;

 private:
  using Chunk = aios::runtime::InferChunk;

  void OnWriteDone(bool ok) override;
  void OnCancel() override { caller_is_gone(); }
  void OnDone() override;
  void cut();
  void advance();

  grpc::CallbackServerContext& context_;  // gRPC's, until OnDone
  std::shared_ptr<StreamCall> self_{};    // gRPC's share, until OnDone
  Chunk current_{};                       // of the write that is on its way
  Mutex mutex_;                           // never held while gRPC is called
  std::unique_ptr<Calls::Ticket> ticket_ GUARDED_BY(mutex_);
  std::deque<Chunk> waiting_ GUARDED_BY(mutex_){};
  std::size_t waiting_bytes_ GUARDED_BY(mutex_) = 0;
  std::optional<grpc::Status> last_ GUARDED_BY(mutex_){};  // nothing is added behind it
  bool busy_ GUARDED_BY(mutex_) = false;     // somebody is in gRPC on this call's behalf
  bool cutting_ GUARDED_BY(mutex_) = false;  // the context is still needed
  bool finished_ GUARDED_BY(mutex_) = false;
};

}  // namespace hearth::api
