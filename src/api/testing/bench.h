#pragma once
#include <memory>
#include <string>

#include "api/api.h"
#include "api/testing/recorded_exchange.h"
#include "base/time_source.h"
#include "config/config.h"
#include "metrics/metrics.h"
#include "model/fake_model.h"

namespace hearth::api::testing {

class FixedTime final : public TimeSource {
 public:
  Clock::time_point now() const override { return Clock::time_point(std::chrono::seconds(100)); }
  std::chrono::system_clock::time_point wall() const override {
    return std::chrono::system_clock::time_point(std::chrono::seconds(1'700'000'000));
  }
};

/// An Api over a scripted model, asked without a socket.
struct Bench {
  explicit Bench(std::vector<model::FakeRule> rules = {{"", {.pieces = {"Hel", "lo"}}}},
                 config::Config::Server server = {}, std::size_t generations_max = 36,
                 store::Store* store = nullptr)
      : model({.name = "fake", .rules = std::move(rules), .generations_max = generations_max}) {
    config.server = std::move(server);
    api = std::make_unique<Api>(Parts{.models = {{&model}},
                                      .config = config,
                                      .device_id = std::string(64, 'a'),
                                      .registry = registry,
                                      .time = time,
                                      .store = store,
                                      .draining = [this] { return draining.load(); },
                                      .missing = [this] { return missing; }});
  }

  std::shared_ptr<RecordedExchange> send(net::Request request) {
    if (!request.header("host")) request.headers.emplace_back("Host", "localhost:11435");
    auto exchange = std::make_shared<RecordedExchange>();
    api->handler()(request, exchange);
    return exchange;
  }
  std::shared_ptr<RecordedExchange> get(std::string path, net::Headers headers = {}) {
    return send({"GET", path, path, "", std::move(headers), "", "127.0.0.1:1"});
  }
  std::shared_ptr<RecordedExchange> post(std::string path, std::string body,
                                         net::Headers headers = {}) {
    return send({"POST", path, path, "", std::move(headers), std::move(body), "127.0.0.1:1"});
  }
  /// Posts and waits for the whole answer.
  std::shared_ptr<RecordedExchange> ask(std::string path, std::string body) {
    auto exchange = post(std::move(path), std::move(body));
    exchange->wait();
    return exchange;
  }
  std::shared_ptr<RecordedExchange> chat(std::string fields = "") {
    return ask("/v1/chat/completions", chat_body(std::move(fields)));
  }
  static std::string chat_body(std::string fields = "") {
    return R"({"model":"fake","messages":[{"role":"user","content":"hi"}])" +
           (fields.empty() ? "" : "," + fields) + "}";
  }

  std::atomic<bool> draining = false;
  std::vector<std::string> missing;
  model::FakeModel model;
  config::Config config;
  metrics::Registry registry;
  FixedTime time;
  std::unique_ptr<Api> api;  // last: it uses the rest
};

}  // namespace hearth::api::testing
