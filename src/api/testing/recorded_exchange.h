#pragma once
#include <chrono>
#include <condition_variable>
#include <functional>
#include <nlohmann/json.hpp>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "net/http.h"

/// For tests of this room only.
namespace hearth::api::testing {

/// A client that remembers what it was sent and can hang up.
class RecordedExchange final : public net::Exchange {
 public:
  void respond(net::Response response) override {
    MutexLock lock(mutex_);
    ++answers_;
    status_ = response.status;
    headers_ = std::move(response.headers);
    body_ = std::move(response.body);
    done_ = true;
    changed_.notify_all();
  }
  void begin(int status, net::Headers headers) override {
    MutexLock lock(mutex_);
    ++answers_;
    status_ = status;
    headers_ = std::move(headers);
    changed_.notify_all();
  }
  bool write(std::string piece) override {
    bool taken = false;
    {
      MutexLock lock(mutex_);
      taken = body_.size() + piece.size() <= room_bytes_;
      if (taken) body_ += piece;
      changed_.notify_all();
    }
    if (!taken) hang_up();  // as the real one: a client that takes nothing is dropped
    return taken;
  }
  void end() override {
    MutexLock lock(mutex_);
    done_ = true;
    changed_.notify_all();
  }
  std::stop_token stop() const override { return stop_.get_token(); }

  void hang_up() { stop_.request_stop(); }
  void leave_room_for(std::size_t bytes) {
    MutexLock lock(mutex_);
    room_bytes_ = bytes;
  }

  /// False when the answer was not whole within ten seconds, which only a fault makes happen.
  bool wait() {
    return wait_until([this]() NO_THREAD_SAFETY_ANALYSIS { return done_; });
  }
  bool wait_for_text(const std::string& text) {
    return wait_until(
        [&]() NO_THREAD_SAFETY_ANALYSIS { return body_.find(text) != std::string::npos; });
  }

  int status() const {
    MutexLock lock(mutex_);
    return status_;
  }
  int answers() const {
    MutexLock lock(mutex_);
    return answers_;
  }
  std::string body() const {
    MutexLock lock(mutex_);
    return body_;
  }
  nlohmann::json json() const { return nlohmann::json::parse(body(), nullptr, false); }
  std::string header(std::string_view name) const {
    MutexLock lock(mutex_);
    for (const auto& [key, value] : headers_)
      if (key == name) return value;
    return "";
  }
  /// The payloads of the events sent so far; "[DONE]" becomes the string "[DONE]".
  std::vector<nlohmann::json> events() const {
    std::vector<nlohmann::json> out;
    const std::string text = body();
    for (std::size_t at = 0, end = 0; (end = text.find("\n\n", at)) != std::string::npos;
         at = end + 2) {
      const std::string payload = text.substr(at + 6, end - at - 6);  // after "data: "
      out.push_back(payload == "[DONE]" ? nlohmann::json(payload) : nlohmann::json::parse(payload));
    }
    return out;
  }
  /// Events with their names, as the newer dialects send them.
  std::vector<std::pair<std::string, nlohmann::json>> named_events() const {
    std::vector<std::pair<std::string, nlohmann::json>> out;
    const std::string text = body();
    for (std::size_t at = 0, end = 0; (end = text.find("\n\n", at)) != std::string::npos;
         at = end + 2) {
      const std::string one = text.substr(at, end - at);
      const std::size_t line = one.find('\n');
      out.emplace_back(one.substr(7, line - 7),                       // after "event: "
                       nlohmann::json::parse(one.substr(line + 7)));  // after "data: "
    }
    return out;
  }
  /// Lines of JSON.
  std::vector<nlohmann::json> lines() const {
    std::vector<nlohmann::json> out;
    const std::string text = body();
    for (std::size_t at = 0, end = 0; (end = text.find('\n', at)) != std::string::npos;
         at = end + 1)
      out.push_back(nlohmann::json::parse(text.substr(at, end - at)));
    return out;
  }

 private:
  bool wait_until(const std::function<bool()>& holds) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    MutexLock lock(mutex_);
    while (!holds())
      if (changed_.wait_until(mutex_, deadline) == std::cv_status::timeout) return holds();
    return true;
  }

  mutable Mutex mutex_;
  std::condition_variable_any changed_;
  std::stop_source stop_;
  int status_ GUARDED_BY(mutex_) = 0;
  int answers_ GUARDED_BY(mutex_) = 0;
  net::Headers headers_ GUARDED_BY(mutex_);
  std::string body_ GUARDED_BY(mutex_);
  std::size_t room_bytes_ GUARDED_BY(mutex_) = 1 << 20;
  bool done_ GUARDED_BY(mutex_) = false;
};

}  // namespace hearth::api::testing
