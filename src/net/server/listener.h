#pragma once
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <string>

#include "base/result.h"

namespace hearth::net {

/// Reads an address: an IPv4 or IPv6 literal (brackets allowed) or "localhost", which is 127.0.0.1.
/// Names are never looked up: where a server listens must not depend on a resolver.
/// Errors: InvalidInput (field "host").
Result<boost::asio::ip::address> parse_host(const std::string& host);

/// A socket that listens on `host`:`port` (0: any free port).
/// Errors: InvalidInput (host), Unavailable (in use or not ours; names host and port).
Result<boost::asio::ip::tcp::acceptor> listen_on(boost::asio::io_context& io,
                                                 const std::string& host, std::uint16_t port);

}  // namespace hearth::net
