#include "net/client.h"
#include "net/client/blocking.h"
#include "net/client/resolver.h"

namespace hearth::net {
namespace {

constexpr Millis kPatient = std::chrono::hours(48);  // the call's own deadline is the limit

Result<Response> converse_once(const Call& call, ClientRequest request,
                               const std::function<bool(std::string_view)>& on_piece) {
  if (literal_addresses(request.host).empty())
    return Error{Code::InvalidInput,
                 "'" + request.host + "' is neither an IP address nor \"localhost\"", "host"};
  request.timeouts = {.connect = kPatient, .first_byte = kPatient, .between_bytes = kPatient};
  ClientOptions options{.user_agent = ""};
  options.limits.idle_max = 0;
  TRY(const auto client, Client::open(std::move(options)));
  return converse(call, *client, std::move(request), on_piece, {});
}

}  // namespace

Result<Response> fetch(const Call& call, const ClientRequest& request) {
  return converse_once(call, request, {});
}

Result<Response> fetch_stream(const Call& call, const ClientRequest& request,
                              const std::function<bool(std::string_view)>& on_piece) {
  return converse_once(call, request, on_piece);
}

}  // namespace hearth::net
