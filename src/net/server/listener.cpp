#include "net/server/listener.h"

#include <boost/asio/ip/address.hpp>

namespace hearth::net {
namespace asio = boost::asio;
using tcp = asio::ip::tcp;

Result<asio::ip::address> parse_host(const std::string& host) {
  if (host == "localhost") return asio::ip::address(asio::ip::address_v4::loopback());
  const bool brackets = host.size() > 2 && host.front() == '[' && host.back() == ']';
  boost::system::error_code problem;
  auto address = asio::ip::make_address(brackets ? host.substr(1, host.size() - 2) : host, problem);
  if (problem || (brackets && !address.is_v6())) {
    return Error{Code::InvalidInput, "'" + host + "' is neither an IP address nor \"localhost\"",
                 "host"};
  }
  return address;
}

Result<tcp::acceptor> listen_on(asio::io_context& io, const std::string& host, std::uint16_t port) {
  TRY(const auto address, parse_host(host));
  const tcp::endpoint endpoint(address, port);
  tcp::acceptor acceptor(io);
  boost::system::error_code problem;
  const auto failed = [&]() -> bool { return static_cast<bool>(problem); };
  acceptor.open(endpoint.protocol(), problem);
  // Lets a restarted server bind while connections of the old one are still winding down.
  if (!failed()) acceptor.set_option(tcp::acceptor::reuse_address(true), problem);
  if (!failed()) acceptor.bind(endpoint, problem);
  if (!failed()) acceptor.listen(tcp::acceptor::max_listen_connections, problem);
  if (failed()) {
    return Error{Code::Unavailable, "cannot listen on " + host + ":" + std::to_string(port) + ": " +
                                        problem.message()};
  }
  return acceptor;
}

}  // namespace hearth::net
