#include "api/http/reply.h"

#include <utility>
#include <vector>

namespace hearth::api {
namespace {

std::vector<double> duration_bounds_s() {
  return {0.001, 0.005, 0.02, 0.1, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600};
}

class Reply final : public net::Exchange {
 public:
  Reply(std::shared_ptr<net::Exchange> exchange, ReplyFacts facts, metrics::Registry& registry,
        const TimeSource& time)
      : exchange_(std::move(exchange)),
        facts_(std::move(facts)),
        registry_(registry),
        time_(time),
        began_(time.now()) {}

  ~Reply() override {
    const std::chrono::duration<double> took = time_.now() - began_;
    registry_
        .histogram("hearth_http_request_seconds",
                   "From the request's arrival to the end of its answer.", duration_bounds_s(),
                   {{"path", facts_.path}})
        .observe(took.count());
  }

  void respond(net::Response response) override {
    count(response.status);
    add_headers(response.headers);
    exchange_->respond(std::move(response));
  }
  void begin(int status, net::Headers headers) override {
    count(status);
    add_headers(headers);
    exchange_->begin(status, std::move(headers));
  }
  bool write(std::string piece) override { return exchange_->write(std::move(piece)); }
  void end() override { exchange_->end(); }
  std::stop_token stop() const override { return exchange_->stop(); }

 private:
  void add_headers(net::Headers& headers) const {
    headers.insert(headers.end(), facts_.headers.begin(), facts_.headers.end());
  }
  void count(int status) {
    registry_
        .counter(
            "hearth_http_requests_total", "Requests answered, by route, method and status.",
            {{"path", facts_.path}, {"method", facts_.method}, {"status", std::to_string(status)}})
        .add();
  }

  const std::shared_ptr<net::Exchange> exchange_;
  const ReplyFacts facts_;
  metrics::Registry& registry_;
  const TimeSource& time_;
  const Clock::time_point began_;
};

}  // namespace

std::shared_ptr<net::Exchange> make_reply(std::shared_ptr<net::Exchange> exchange, ReplyFacts facts,
                                          metrics::Registry& registry, const TimeSource& time) {
  return std::make_shared<Reply>(std::move(exchange), std::move(facts), registry, time);
}

}  // namespace hearth::api
