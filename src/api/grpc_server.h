#pragma once
#include <memory>
#include <string>

#include "base/call.h"
#include "base/result.h"

namespace hearth::api {

/// The gRPC face on a socket of its own: aios.runtime.AIRuntime (proto/aios/runtime.proto),
/// gRPC's health service, which needs no token, and its reflection. It gives the same answers from
/// the same models, by the same tokens and limits, as the HTTP API that has opened it; so do
/// Api::answers() and Api::end_answers() count and end those of both.
///
/// Threads: gRPC's own, whose number depends on the processor and not on the calls; one that looks
/// at the models' states. Ends before its Api does.
class GrpcServer {
 public:
  /// Lets go of everybody at once, as stop() does when no time is left.
  ~GrpcServer();

  /// Where it listens, "127.0.0.1:50051", also if any free port was asked for.
  const std::string& address() const;
  /// Tells the health service's watchers, waits for answers that are made already to reach their
  /// callers as long as `call` lasts, then closes the socket and all calls.
  void stop(const Call& call);

 private:
  friend class Api;
  struct State;
  explicit GrpcServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace hearth::api
