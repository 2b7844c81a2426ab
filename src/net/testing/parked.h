#pragma once
#include <future>
#include <memory>
#include <stop_token>
#include <utility>

#include "base/bounded_queue.h"
#include "net/http.h"

namespace hearth::net::testing {

inline constexpr Millis kLong{20'000};  // longer than any test waits when all is well

/// For tests: a handler that answers nothing itself but hands each exchange to the test.
class Parked {
 public:
  Handler handler() {
    return [this](const Request& request, std::shared_ptr<Exchange> exchange) {
      static_cast<void>(arrived_.try_push({request, std::move(exchange)}));
    };
  }

  struct Arrival {
    Request request;
    std::shared_ptr<Exchange> exchange;
  };
  /// Waits for the next request; an empty exchange when none comes.
  Arrival next() {
    auto arrival = arrived_.pop(Call::within(kLong));
    if (!arrival.ok() || !arrival.value()) return {};
    return *std::move(arrival).value();
  }

 private:
  BoundedQueue<Arrival> arrived_{64};
};

/// Waits until a stop token fires; false if it does not.
inline bool fires(const std::stop_token& stop) {
  std::promise<void> fired;
  auto done = fired.get_future();
  const std::stop_callback on_stop(stop, [&] { fired.set_value(); });
  return done.wait_for(kLong) == std::future_status::ready;
}

inline std::string header_of(const Response& response, std::string_view name) {
  const Request lookup{.method = {},
                       .target = {},
                       .path = {},
                       .query = {},
                       .headers = response.headers,
                       .body = {},
                       .peer = {}};
  const auto* value = lookup.header(name);
  return value ? *value : "";
}

}  // namespace hearth::net::testing
