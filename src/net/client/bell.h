#pragma once
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <string>

#include "base/call.h"
#include "base/result.h"
#include "net/client/delivery.h"

namespace hearth::net {

namespace asio = boost::asio;

/// The one place where a transfer waits: whatever happens changes something and rings. Net thread
/// only.
class Bell {
 public:
  Bell(asio::io_context& io, Clock::time_point deadline) : timer_(io), deadline_(deadline) {}

  /// Whose cancellation ends the waits. Set before the first wait.
  void heed(std::shared_ptr<const Delivery> delivery) { delivery_ = std::move(delivery); }

  void ring() {
    rung_ = true;
    timer_.cancel();
  }

  /// Returns at a ring. Errors: Cancelled; Timeout, at the transfer's own deadline, or at `until`
  /// with `late` in words.
  asio::awaitable<Result<void>> wait(Clock::time_point until, std::string late) {
    if (delivery_->cancelled()) co_return Error{Code::Cancelled, "stopped while waiting"};
    if (!rung_) {
      timer_.expires_at(std::min(until, deadline_));
      co_await timer_.async_wait(asio::as_tuple(asio::use_awaitable));
    }
    rung_ = false;
    if (delivery_->cancelled()) co_return Error{Code::Cancelled, "stopped while waiting"};
    const auto now = Clock::now();
    if (now >= deadline_) co_return Error{Code::Timeout, "no answer in time"};
    if (now >= until) co_return Error{Code::Timeout, std::move(late)};
    co_return ok();
  }

 private:
  asio::steady_timer timer_;
  const Clock::time_point deadline_;
  std::shared_ptr<const Delivery> delivery_{};
  bool rung_ = false;
};

}  // namespace hearth::net
