#include "model/pull/download.h"

#include <algorithm>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "model/passing.h"
#include "net/retry_after.h"

namespace hearth::model {
namespace {

constexpr Millis kTick{100};         // between two reports
constexpr Millis kSaveEvery{2'000};  // what is lost at most when the machine stops

/// One worker: takes chunk after chunk.
class Worker {
 public:
  Worker(const Call& call, const Download& what) : call_(call), what_(what) {}

  Result<void> run() {
    while (auto chunk = what_.file.take()) {
      const auto filled = fill(*chunk);
      what_.file.give_back(*chunk);
      TRY_VOID(filled);
    }
    return ok();
  }

 private:
  /// Tries until the chunk is whole, or nothing comes any more.
  Result<void> fill(PartFile::Chunk& chunk) {
    for (int failures = 0; chunk.next < chunk.end;) {
      const auto before = chunk.next;
      wait_for_.reset();
      const auto asked = ask(chunk);
      if (call_.stop.stop_requested()) return Error{Code::Cancelled, "stopped while downloading"};
      if (asked.ok()) continue;
      if (!is_passing(asked.error()) || Clock::now() >= call_.deadline) return asked;
      if (!what_.offer.has_ranges) what_.file.restart(chunk);
      failures = chunk.next > before ? 1 : failures + 1;
      if (failures >= kPullTriesMax) return asked;
      pause_for(call_, std::min(wait_for_.value_or(what_.tuning.pause * (1 << (failures - 1))),
                                kPullPauseMax));
    }
    return ok();
  }

  Result<void> ask(PartFile::Chunk& chunk) {
    Result<void> outcome;
    const auto on_head = [&](const net::Response& head) {
      outcome = check(head, chunk);
      return outcome.ok();
    };
    const auto on_piece = [&](std::string_view piece) {
      outcome = what_.file.write(chunk, piece);
      return outcome.ok();
    };
    const auto got = what_.client.fetch_stream(call_, request(chunk), on_piece, on_head);
    TRY_VOID(outcome);
    if (!got.ok()) return got.error();
    if (chunk.next == chunk.end) return ok();
    return Error{Code::Unavailable, what_.url.origin() + " sent less than it was asked for"};
  }

  net::ClientRequest request(const PartFile::Chunk& chunk) const {
    net::ClientRequest request = net::request_to(what_.url);
    show_token(what_.source, what_.url, request);
    request.timeouts = what_.tuning.timeouts;
    request.redirects_max = kRedirectsMax;
    if (!what_.offer.has_ranges) return request;
    request.headers.emplace_back(
        "Range", "bytes=" + std::to_string(chunk.next) + "-" + std::to_string(chunk.end - 1));
    if (!what_.offer.validator.empty())
      request.headers.emplace_back("If-Range", what_.offer.validator);
    return request;
  }

  /// Is this what was asked for?
  Result<void> check(const net::Response& head, const PartFile::Chunk& chunk) {
    if (head.status != 200 && head.status != 206) {
      wait_for_ = net::retry_after(head, std::chrono::system_clock::now());
      return answer_error(what_.url, head.status);
    }
    const Error changed{Code::Corrupt, what_.url.origin() + " has another file there now"};
    const std::string etag = header_value(head, "ETag");
    if (!what_.offer.validator.empty() && etag.starts_with('"') && etag != what_.offer.validator)
      return changed;
    if (!what_.offer.has_ranges) {
      if (head.status == 200) return ok();
      return changed;
    }
    const auto range = parse_content_range(header_value(head, "Content-Range"));
    const bool fits = head.status == 206 && range && range->first == chunk.next &&
                      range->last < chunk.end && range->total == what_.offer.size_bytes;
    if (fits) return ok();
    return changed;
  }

  const Call& call_;
  const Download& what_;
  std::optional<Millis> wait_for_{};  // as the server asked
};

/// Workers that go on until all is there or one fails, which stops the others.
class Crew {
 public:
  Crew(const Call& call, const Download& what)
      : call_{.deadline = call.deadline, .stop = stop_.get_token()},
        on_stop_(call.stop, [this] { stop_.request_stop(); }),
        what_(what) {
    const int count = what.offer.has_ranges ? std::max(1, what.tuning.ranges) : 1;
    left_ = count;
    for (int i = 0; i < count; ++i) threads_.emplace_back([this] { work(); });
  }
  ~Crew() { stop_.request_stop(); }
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  /// True once all have ended; waits for that until `until`.
  bool wait(Clock::time_point until) {
    const MutexLock lock(mutex_);
    while (left_ > 0)
      if (ended_.wait_until(mutex_, until) == std::cv_status::timeout) return left_ == 0;
    return true;
  }
  Result<void> outcome() {
    const MutexLock lock(mutex_);
    return outcome_;
  }

 private:
  void work() {
    const auto done = Worker(call_, what_).run();
    if (!done.ok()) stop_.request_stop();
    const MutexLock lock(mutex_);
    if (outcome_.ok()) outcome_ = done;  // the first failure is the cause of the others
    --left_;
    ended_.notify_all();
  }

  std::stop_source stop_;
  const Call call_;
  const std::stop_callback<std::function<void()>> on_stop_;
  const Download& what_;
  Mutex mutex_;
  std::condition_variable_any ended_;
  int left_ GUARDED_BY(mutex_) = 0;
  Result<void> outcome_ GUARDED_BY(mutex_);
  std::vector<std::jthread> threads_;
};

}  // namespace

void pause_for(const Call& call, Millis span) {
  std::mutex mutex;
  std::unique_lock lock(mutex);
  std::condition_variable_any nobody;
  nobody.wait_until(lock, call.stop, std::min(call.deadline, Clock::now() + span),
                    [] { return false; });
}

Result<void> download(const Call& call, const Download& what, const OnPullProgress& on_progress) {
  const auto started = Clock::now();
  const std::uint64_t there = what.file.done_bytes();
  auto saved_at = started;
  const auto report = [&] {
    const std::uint64_t done = what.file.done_bytes();
    const auto ms = std::chrono::duration_cast<Millis>(Clock::now() - started).count();
    on_progress({.stage = PullProgress::Stage::Downloading,
                 .from = what.url.origin(),
                 .done_bytes = done,
                 .total_bytes = what.offer.size_bytes,
                 .bytes_per_second =
                     (done - std::min(there, done)) * 1'000 / static_cast<std::uint64_t>(ms + 1)});
  };
  TRY_VOID(what.file.save());
  Result<void> outcome;
  {
    Crew crew(call, what);
    while (!crew.wait(Clock::now() + kTick)) {
      report();
      if (Clock::now() - saved_at < kSaveEvery) continue;
      TRY_VOID(what.file.save());
      saved_at = Clock::now();
    }
    outcome = crew.outcome();
  }
  report();
  const auto saved = what.file.save();
  TRY_VOID(outcome);
  return saved;
}

}  // namespace hearth::model
