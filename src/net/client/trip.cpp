#include "net/client/trip.h"

#include <boost/asio/post.hpp>
#include <utility>

namespace hearth::net {
namespace {

constexpr auto kNever = Clock::time_point::max();
constexpr const char* kNoWords = "";  // for what does not come too late
// A body this small goes out with the head, in one packet.
constexpr std::size_t kJoinedBodyBytes = 16 * 1024;
// Of the body of a redirect, to keep its connection; a longer one is not worth reading.
constexpr std::size_t kDroppedBodyBytesMax = 64 * 1024;
// Others get their turn after so many reads.
constexpr int kReadsAtOnce = 4;

std::string seconds_text(Millis time) {
  return time < Millis(1'000) ? std::to_string(time.count()) + " ms"
                              : std::to_string(time.count() / 1'000) + " s";
}

/// Far enough away counts as never: a time point has an end.
Clock::time_point after(Clock::time_point from, Millis time) {
  return time > std::chrono::hours(24) ? kNever : from + time;
}

}  // namespace

Trip::Trip(With with, const Call& call, ClientRequest request)
    : with_(std::move(with)),
      request_(std::move(request)),
      bell_(std::make_shared<Bell>(with_.net.io, call.deadline)),
      stop_(call.stop) {}

std::function<void()> Trip::waker() {
  return [&io = with_.net.io, weak = weak_from_this()] {
    asio::post(io, [weak] {
      if (const auto self = weak.lock()) self->bell_->ring();
    });
  };
}

void Trip::deliver_to(std::shared_ptr<Delivery> delivery) {
  delivery_ = std::move(delivery);
  bell_->heed(delivery_);
  on_stop_.emplace(stop_, [to = delivery_] { to->cancel(); });
}

asio::awaitable<Result<void>> Trip::go() {
  for (;;) {
    auto head = co_await ask();
    if (!head.ok()) {
      name_host(head.error());
      co_return std::move(head).error();
    }
    if (!follows(head.value().status)) co_return ok();
    auto next = redirected(request_, head.value());
    if (!next.ok()) {
      name_host(next.error());
      co_return std::move(next).error();
    }
    request_ = std::move(next).value();
  }
}

/// One request and its answer, whose body has been delivered, or dropped if it is a redirect.
asio::awaitable<Result<Response>> Trip::ask() {
  const Route to = route();
  const HeadOptions options{.keep_alive = with_.options.limits.idle_max > 0,
                            .user_agent = with_.options.user_agent};
  auto head = request_head(request_, to, options);
  if (!head.ok()) co_return std::move(head).error();
  for (bool fresh = false;; fresh = true) {
    Step step;
    auto link = co_await connection(to, fresh, step);
    if (!link.ok()) co_return std::move(link).error();
    ResponseReader reader(ResponseReader::Options{.to_head = request_.method == "HEAD",
                                                  .body_bytes_max = request_.body_bytes_max});
    auto exchanged = co_await exchange(*link.value(), head.value(), reader, step);
    link.value()->on_ready(nullptr);
    if (exchanged.ok() && reader.leaves_reusable() && step.is_sent) {
      with_.pool.put(to.connection_name(), std::move(link).value());
    } else {
      link.value()->close();
    }
    if (exchanged.ok()) co_return reader.head();
    // The server closed it while it was kept, and has not seen the request.
    const bool was_stale = step.is_reused && step.was_cut && !reader.has_begun();
    if (!was_stale) co_return std::move(exchanged).error();
  }
}

asio::awaitable<Result<std::shared_ptr<Link>>> Trip::connection(Route route, bool fresh,
                                                                Step& step) {
  auto kept = fresh ? nullptr : with_.pool.take(route.connection_name());
  step.is_reused = kept != nullptr;
  if (kept) co_return kept;
  if (route.to.scheme == Scheme::Https && !with_.tls)
    co_return Error{Code::Unavailable, "no certificate authorities were found"};
  Dialer dialer(with_.net, bell_, route, with_.tls, request_.timeouts.connect);
  co_return co_await dialer.dial();
}

/// Sends and reads at the same time: a server may refuse a body before it has taken all of it.
asio::awaitable<Result<void>> Trip::exchange(Link& link, std::string head, ResponseReader& reader,
                                             Step& step) {
  link.on_ready([bell = bell_] { bell->ring(); });
  std::string_view body = request_.body;
  if (body.size() <= kJoinedBodyBytes) head.append(std::exchange(body, {}));
  Outgoing outgoing{.head = head, .body = body};
  progress_ = Clock::now();
  for (int reads = 0; !reader.done(); ++reads) {
    if (delivery_->cancelled()) co_return Error{Code::Cancelled, "stopped"};
    bool moved = send(link, outgoing);
    if (!step.is_sent && !outgoing.given_up && outgoing.rest().empty()) {
      step.is_sent = true;
      delivery_->sent();
    }
    if (!delivery_->paused()) {
      auto received = read(link, reader, step);
      if (!received.ok()) co_return std::move(received).error();
      if (is_surplus(reader)) co_return ok();
      moved = moved || received.value();
    }
    if (!moved) {
      auto waited = co_await wait(reader);
      if (!waited.ok()) co_return std::move(waited).error();
    } else if (reads % kReadsAtOnce == kReadsAtOnce - 1) {
      co_await asio::post(with_.net.io, asio::use_awaitable);
    }
  }
  co_return ok();
}

/// True if anything was taken.
bool Trip::send(Link& link, Outgoing& outgoing) {
  const auto rest = outgoing.rest();
  if (rest.empty()) return false;
  const Io io = link.write(rest);
  if (io.waits()) {
    link.watch(io.kind);
    return false;
  }
  // Nobody takes the rest; the answer, or its absence, will say why.
  if (io.is_over()) outgoing.given_up = true;
  outgoing.sent += io.count;
  progress_ = Clock::now();
  return true;
}

/// True if anything came.
Result<bool> Trip::read(Link& link, ResponseReader& reader, Step& step) {
  const Io io = link.read(with_.net.scratch);
  if (io.waits()) {
    link.watch(io.kind);
    return false;
  }
  if (io.is_over()) {
    step.was_cut = io.kind != Io::Kind::Failed;
    TRY_VOID(ended(io, reader));
  } else {
    progress_ = Clock::now();
    TRY_VOID(reader.feed(std::string_view(with_.net.scratch.data(), io.count)));
  }
  hand_over(reader);
  return true;
}

Result<void> Trip::ended(const Io& io, ResponseReader& reader) {
  if (io.kind == Io::Kind::Failed) return Error{Code::Unavailable, io.problem};
  const bool is_told = io.kind == Io::Kind::Ended;
  if (is_told || !reader.has_begun()) return reader.feed_end();
  return Error{Code::Unavailable, "the connection broke in the middle of the answer"};
}

void Trip::hand_over(ResponseReader& reader) {
  if (!reader.has_head()) return;
  const std::string piece = reader.take_body();
  if (follows(reader.status())) {
    dropped_bytes_ += piece.size();
    return;
  }
  if (!has_delivered_head_) delivery_->head(reader.head());
  has_delivered_head_ = true;
  if (!piece.empty()) delivery_->piece(piece);
}

bool Trip::is_surplus(const ResponseReader& reader) const {
  return !reader.done() && dropped_bytes_ > kDroppedBodyBytesMax;
}

asio::awaitable<Result<void>> Trip::wait(const ResponseReader& reader) {
  if (delivery_->paused()) {
    auto resumed = co_await bell_->wait(kNever, kNoWords);
    progress_ = Clock::now();  // it was not the server that made us wait
    co_return resumed;
  }
  const auto& timeouts = request_.timeouts;
  const Millis patience = reader.has_begun() ? timeouts.between_bytes : timeouts.first_byte;
  co_return co_await bell_->wait(after(progress_, patience),
                                 "no byte came for " + seconds_text(patience));
}

bool Trip::follows(int status) const { return request_.redirects_max > 0 && is_redirect(status); }

Route Trip::route() const {
  Route route{.to = url_of(request_)};
  if (const Url* const proxy = with_.options.proxies.for_url(route.to)) route.proxy = *proxy;
  return route;
}

void Trip::name_host(Error& error) const {
  if (error.code == Code::Cancelled) return;
  error.message = authority_text(request_.host, request_.port) + ": " + error.message;
}

}  // namespace hearth::net
