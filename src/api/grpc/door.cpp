#include "api/grpc/door.h"

#include <string>

#include "api/grpc/codes.h"
#include "api/http/pages.h"

namespace hearth::api {
namespace {

/// What the gate looks at. Metadata keys are lower case.
net::Request as_request(const grpc::CallbackServerContext& context) {
  net::Request request;
  request.method = "POST";
  const auto authority = context.ExperimentalGetAuthority();
  request.headers.emplace_back("host", std::string(authority.data(), authority.size()));
  for (const char* const name : {"authorization", "x-api-key", "origin"}) {
    const auto [first, last] = context.client_metadata().equal_range(name);
    for (auto entry = first; entry != last; ++entry)
      request.headers.emplace_back(name, std::string(entry->second.data(), entry->second.size()));
  }
  return request;
}

}  // namespace

std::optional<grpc::Status> Door::refuse(const grpc::CallbackServerContext& context,
                                         const Calls::Ticket& ticket, Work work) const {
  const net::Request request = as_request(context);
  auto refused = check_host(rules_, request);
  if (!refused) refused = check_origin(rules_, request);
  if (!refused) refused = check_token(rules_, request);
  if (refused) return grpc_gate_status(*refused);
  if (!ticket.is_admitted())
    return grpc_status({Code::Busy, "too many calls are open; try again soon", {}});
  if (work == Work::New && is_draining(parts_))
    return grpc_status({Code::Unavailable, "the daemon is stopping", {}});
  return std::nullopt;
}

std::uint64_t Door::account(const grpc::CallbackServerContext& context) const {
  return account_of(rules_, as_request(context));
}

}  // namespace hearth::api
