#pragma once
#include <functional>
#include <string_view>

#include "net/client.h"

namespace hearth::net {

/// Starts a transfer and blocks until it has ended, handing its pieces over on this thread; at most
/// 256 KiB wait for it. Empty `on_piece`: the body is kept, within kAnswerBytesMax. As
/// Client::fetch_stream.
Result<Response> converse(const Call& call, Client& client, ClientRequest request,
                          const std::function<bool(std::string_view)>& on_piece,
                          const std::function<bool(const Response&)>& on_head);

}  // namespace hearth::net
