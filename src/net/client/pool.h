#pragma once
#include <array>
#include <boost/asio/steady_timer.hpp>
#include <list>
#include <memory>
#include <string>

#include "base/call.h"
#include "net/client.h"
#include "net/client/link.h"

namespace hearth::net {

/// Connections that are kept for the next request, the longest unused first. One that the other
/// side closes, or says something on unasked, goes at once. Net thread only.
class Pool {
 public:
  Pool(asio::io_context& io, const ClientLimits& limits) : limits_(limits), sweeper_(io) {}

  /// Keeps a connection; the oldest of its origin, or of all, goes when there are too many.
  void put(const std::string& origin, std::shared_ptr<Link> link);
  /// The one that was used last, with nobody rung; nullptr: there is none.
  std::shared_ptr<Link> take(const std::string& origin);
  void clear();
  std::size_t size() const { return idle_.size(); }

 private:
  struct Idle {
    std::string origin;
    std::shared_ptr<Link> link;
    Clock::time_point until;
  };
  using Place = std::list<Idle>::iterator;

  static bool is_quiet(Link& link);
  void look_at(const Link* link);
  void drop(Place place);
  void drop_surplus(const std::string& origin);
  void sweep_later();

  const ClientLimits& limits_;
  std::list<Idle> idle_;
  asio::steady_timer sweeper_;
  bool sweeping_ = false;
};

}  // namespace hearth::net
