#pragma once
#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "net/client.h"
#include "net/client/delivery.h"
#include "net/client/dialer.h"
#include "net/client/pool.h"
#include "net/client/response_reader.h"

namespace hearth::net {

/// One transfer from its beginning to its end: over a kept connection or a new one, once more if a
/// kept one was dead, and along its redirects. Net thread only, but for its making.
class Trip : public std::enable_shared_from_this<Trip> {
 public:
  /// The client that owns these outlives the trip.
  struct With {
    NetThread& net;
    Pool& pool;
    const ClientOptions& options;
    std::shared_ptr<const TlsContext> tls;  // may be null as long as no https is spoken
  };
  Trip(With with, const Call& call, ClientRequest request);

  /// What wakes it, from any thread, as long as the client lives.
  std::function<void()> waker();
  void deliver_to(std::shared_ptr<Delivery> delivery);

  /// Goes the whole way. Whoever spawned it keeps it alive.
  asio::awaitable<Result<void>> go();
  const std::shared_ptr<Delivery>& delivery() const { return delivery_; }

 private:
  /// What is known of one exchange beside its answer.
  struct Step {
    bool is_reused = false;  // the connection
    bool is_sent = false;    // the request, whole
    bool was_cut = false;    // the connection ended
  };
  struct Outgoing {
    std::string_view head, body;
    std::size_t sent = 0;
    bool given_up = false;

    std::string_view rest() const {
      if (given_up) return {};
      return sent < head.size() ? head.substr(sent) : body.substr(sent - head.size());
    }
  };

  asio::awaitable<Result<Response>> ask();
  asio::awaitable<Result<std::shared_ptr<Link>>> connection(Route route, bool fresh, Step& step);
  asio::awaitable<Result<void>> exchange(Link& link, std::string head, ResponseReader& reader,
                                         Step& step);
  bool send(Link& link, Outgoing& outgoing);
  Result<bool> read(Link& link, ResponseReader& reader, Step& step);
  static Result<void> ended(const Io& io, ResponseReader& reader);
  void hand_over(ResponseReader& reader);
  bool is_surplus(const ResponseReader& reader) const;
  asio::awaitable<Result<void>> wait(const ResponseReader& reader);
  bool follows(int status) const;
  Route route() const;
  void name_host(Error& error) const;

  const With with_;
  ClientRequest request_;
  const std::shared_ptr<Bell> bell_;      // with what rings it later than it is heard
  std::shared_ptr<Delivery> delivery_{};  // with the Transfer
  const std::stop_token stop_;
  std::optional<std::stop_callback<std::function<void()>>> on_stop_{};
  Clock::time_point progress_{};  // the last byte that was sent or received
  std::size_t dropped_bytes_ = 0;
  bool has_delivered_head_ = false;
};

}  // namespace hearth::net
