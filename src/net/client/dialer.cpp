#include "net/client/dialer.h"

#include <boost/asio/post.hpp>
#include <optional>

#include "net/client/response_reader.h"

namespace hearth::net {
namespace {

using tcp = asio::ip::tcp;

constexpr const char* kNoWords = "";  // for what does not come too late

/// Rings a bell as long as there is somebody to hear it.
std::function<void()> ringer(const std::shared_ptr<Bell>& bell) {
  return [weak = std::weak_ptr(bell)] {
    if (const auto heard = weak.lock()) heard->ring();
  };
}

/// A wait that runs keeps a link alive until it is closed.
void give_up(Link& link) {
  link.on_ready(nullptr);
  link.close();
}

Error at_proxy(const Route& route, Error error) {
  if (route.proxy && error.code == Code::Unavailable)
    error.message =
        "the proxy " + authority_text(route.proxy->host, route.proxy->port) + ": " + error.message;
  return error;
}

Error refusal_of(int status) {
  if (status == 407) return {Code::Unavailable, "it wants another user and password (407)"};
  return {Code::Unavailable, "it refused the connection (status " + std::to_string(status) + ")"};
}

}  // namespace

asio::awaitable<Result<std::shared_ptr<Link>>> Dialer::dial() {
  const std::string host = route_.proxy ? route_.proxy->host : route_.to.host;
  const std::uint16_t port = route_.proxy ? route_.proxy->port : route_.to.port;
  auto addresses = co_await look_up(host);
  if (!addresses.ok()) co_return at_proxy(route_, std::move(addresses).error());
  auto link = co_await reach(std::move(addresses).value(), port);
  if (!link.ok()) co_return at_proxy(route_, std::move(link).error());
  auto prepared = co_await prepare(*link.value());
  if (prepared.ok()) co_return link;
  give_up(*link.value());
  co_return std::move(prepared).error();
}

/// All that comes between the connection and the first request.
asio::awaitable<Result<void>> Dialer::prepare(Link& link) {
  if (route_.tunnels()) {
    auto tunnel = co_await open_tunnel(link);
    if (!tunnel.ok()) co_return at_proxy(route_, std::move(tunnel).error());
  }
  if (route_.to.scheme == Scheme::Https) co_return co_await begin_tls(link);
  co_return ok();
}

asio::awaitable<Result<Addresses>> Dialer::look_up(std::string host) {
  auto literal = literal_addresses(host);
  if (!literal.empty()) co_return literal;
  // With the question, until its answer has come: this may have ended long before.
  const auto answer = std::make_shared<std::optional<Result<Addresses>>>();
  auto& io = net_.io;
  net_.resolver.ask(host, [&io, answer, ring = ringer(bell_)](const Result<Addresses>& found) {
    asio::post(io, [answer, ring, found] {
      answer->emplace(found);
      ring();
    });
  });
  while (!answer->has_value()) {
    auto rung = co_await bell_->wait(Clock::time_point::max(), kNoWords);
    if (!rung.ok()) co_return std::move(rung).error();
  }
  co_return std::move(**answer);
}

asio::awaitable<Result<std::shared_ptr<Link>>> Dialer::reach(Addresses addresses,
                                                             std::uint16_t port) {
  std::optional<Error> first;  // of the address that the system prefers: it says most
  for (const auto& address : addresses) {
    auto link = std::make_shared<Link>(net_.io);
    link->on_ready(ringer(bell_));
    const tcp::endpoint to(address, port);
    auto reached = co_await connect(*link, to);
    if (reached.ok()) co_return link;
    give_up(*link);
    if (reached.error().code == Code::Cancelled) co_return std::move(reached).error();
    if (!first) first = std::move(reached).error();
  }
  co_return first.value_or(Error{Code::Unavailable, "cannot connect"});
}

asio::awaitable<Result<void>> Dialer::connect(Link& link, tcp::endpoint to) {
  const auto until = Clock::now() + timeout_;
  Io io = link.connect(to);
  while (io.waits()) {
    link.watch(io.kind);
    auto rung = co_await bell_->wait(until, "cannot connect: no answer in time");
    if (!rung.ok()) co_return std::move(rung).error();
    io = link.connected();
  }
  if (io.is_over()) co_return Error{Code::Unavailable, "cannot connect: " + io.problem};
  co_return ok();
}

asio::awaitable<Result<void>> Dialer::open_tunnel(Link& link) {
  auto status = co_await tunnel_status(link);
  if (!status.ok()) co_return std::move(status).error();
  if (status.value() / 100 != 2) co_return refusal_of(status.value());
  co_return ok();
}

asio::awaitable<Result<int>> Dialer::tunnel_status(Link& link) {
  const auto until = Clock::now() + timeout_;
  const std::string request = connect_head(route_);
  std::size_t sent = 0;
  ResponseReader reader(ResponseReader::Options{.to_head = true});
  while (!reader.done()) {
    const bool sends = sent < request.size();
    // One byte at a time: what follows the head belongs to TLS.
    const auto into = std::span(net_.scratch).first(1);
    const Io io = sends ? link.write(std::string_view(request).substr(sent)) : link.read(into);
    if (io.is_over())
      co_return Error{Code::Unavailable, "it closed the connection without an answer"};
    if (io.waits()) {
      link.watch(io.kind);
      auto rung = co_await bell_->wait(until, "no answer in time");
      if (!rung.ok()) co_return std::move(rung).error();
      continue;
    }
    if (sends) {
      sent += io.count;
      continue;
    }
    auto fed = reader.feed(std::string_view(into.data(), io.count));
    if (!fed.ok()) co_return std::move(fed).error();
  }
  co_return reader.status();
}

asio::awaitable<Result<void>> Dialer::begin_tls(Link& link) {
  const auto until = Clock::now() + timeout_;
  auto begun = link.begin_tls(tls_, route_.to.host);
  if (!begun.ok()) co_return std::move(begun).error();
  for (;;) {
    const Io io = link.handshake();
    if (io.is_over()) co_return Error{Code::Unavailable, io.problem};
    if (!io.waits()) co_return ok();
    link.watch(io.kind);
    auto rung = co_await bell_->wait(until, "the TLS handshake took too long");
    if (!rung.ok()) co_return std::move(rung).error();
  }
}

}  // namespace hearth::net
