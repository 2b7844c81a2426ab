#pragma once
#include <cstdint>
#include <optional>

#include "api/api.h"
#include "api/grpc/calls.h"
#include "api/grpc/library.h"
#include "api/http/gate.h"

namespace hearth::api {

/// Who may call: the checks of the HTTP gate, with `:authority` for Host and metadata for headers.
/// Any thread; nothing blocks.
class Door {
 public:
  /// Both outlive it.
  Door(const Parts& parts, const GateRules& rules) : parts_(parts), rules_(rules) {}

  enum class Work : std::uint8_t { New, Look };  // Look: answered also while the daemon stops
  /// nullopt: may pass. Else UNAUTHENTICATED, PERMISSION_DENIED, RESOURCE_EXHAUSTED (too many calls
  /// are open) or UNAVAILABLE (the daemon is stopping).
  std::optional<grpc::Status> refuse(const grpc::CallbackServerContext& context,
                                     const Calls::Ticket& ticket, Work work) const;
  /// The account of the token that a call shows; see account_of().
  std::uint64_t account(const grpc::CallbackServerContext& context) const;

 private:
  const Parts& parts_;
  const GateRules& rules_;
};

}  // namespace hearth::api
