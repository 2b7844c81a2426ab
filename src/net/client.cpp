#include "net/client.h"

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <exception>
#include <thread>
#include <unordered_set>

#include "base/check.h"
#include "base/log.h"
#include "base/mutex.h"
#include "net/client/blocking.h"
#include "net/client/trip.h"

namespace hearth::net {
namespace {

/// The caller's end of a transfer.
class TripTransfer final : public Transfer {
 public:
  explicit TripTransfer(std::shared_ptr<Delivery> delivery) : delivery_(std::move(delivery)) {}
  ~TripTransfer() override { delivery_->silence(); }
  TripTransfer(const TripTransfer&) = delete;
  TripTransfer& operator=(const TripTransfer&) = delete;

  void cancel() override { delivery_->cancel(); }
  void resume() override { delivery_->resume(); }

 private:
  const std::shared_ptr<Delivery> delivery_;  // with the trip
};

class AsioClient final : public Client {
 public:
  explicit AsioClient(ClientOptions options)
      : options_(std::move(options)),
        resolver_(options_.lookup ? options_.lookup : system_lookup),
        pool_(io_, options_.limits) {
    thread_ = std::jthread([this] { io_.run(); });
  }
  ~AsioClient() override;

  Result<Response> fetch(const Call& call, const ClientRequest& request) override {
    return fetch_stream(call, request, {}, {});
  }
  Result<Response> fetch_stream(const Call& call, const ClientRequest& request,
                                const std::function<bool(std::string_view)>& on_piece,
                                const std::function<bool(const Response&)>& on_head) override {
    HEARTH_CHECK(thread_.get_id() != std::this_thread::get_id(), "a net thread must not wait");
    return converse(call, *this, request, on_piece, on_head);
  }
  Result<std::unique_ptr<Transfer>> start(const Call& call, const ClientRequest& request,
                                          std::shared_ptr<TransferSink> sink) override;

 private:
  using TlsPointer = std::shared_ptr<const TlsContext>;  // with every connection that speaks it
  Result<TlsPointer> tls() EXCLUDES(tls_mutex_);
  Result<TlsPointer> tls_for(const ClientRequest& request);
  Result<void> check(const ClientRequest& request) const;
  void begin(const std::shared_ptr<Trip>& trip);
  void ended(const std::shared_ptr<Trip>& trip, const std::exception_ptr& problem,
             Result<void> outcome);
  void close();

  const ClientOptions options_;
  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> keep_running_{io_.get_executor()};
  Resolver resolver_;
  NetThread net_{.io = io_, .resolver = resolver_};
  Pool pool_;
  std::unordered_set<std::shared_ptr<Trip>> trips_;  // net thread only; each until it has ended
  bool closing_ = false;                             // net thread only
  std::atomic<std::size_t> transfers_{0};
  Mutex tls_mutex_;
  TlsPointer tls_ GUARDED_BY(tls_mutex_);
  std::jthread thread_;
};

AsioClient::~AsioClient() {
  HEARTH_CHECK(thread_.get_id() != std::this_thread::get_id(),
               "a client cannot end on its own thread");
  asio::post(io_, [this] { close(); });
  thread_.join();
}

Result<std::unique_ptr<Transfer>> AsioClient::start(const Call& call, const ClientRequest& request,
                                                    std::shared_ptr<TransferSink> sink) {
  TRY_VOID(check(request));
  TRY(auto tls, tls_for(request));
  if (transfers_.fetch_add(1) >= options_.limits.transfers_max) {
    transfers_.fetch_sub(1);
    return Error{Code::Busy, "there are " + std::to_string(options_.limits.transfers_max) +
                                 " requests to other servers on their way already"};
  }
  Trip::With with{.net = net_, .pool = pool_, .options = options_, .tls = std::move(tls)};
  auto trip = std::make_shared<Trip>(std::move(with), call, request);
  const auto delivery = std::make_shared<Delivery>(std::move(sink), trip->waker());
  trip->deliver_to(delivery);
  asio::post(io_, [this, trip = std::move(trip)] { begin(trip); });
  return std::unique_ptr<Transfer>(std::make_unique<TripTransfer>(delivery));
}

/// Read when it is first needed: it costs some 20 ms and 1 MiB, and many never speak TLS.
Result<AsioClient::TlsPointer> AsioClient::tls() {
  const MutexLock lock(tls_mutex_);
  if (tls_) return tls_;
  TRY(tls_, TlsContext::open(options_.ca_file, options_.ca_dir));
  return tls_;
}

Result<AsioClient::TlsPointer> AsioClient::tls_for(const ClientRequest& request) {
  if (request.scheme == Scheme::Https) return tls();
  if (request.redirects_max == 0) return TlsPointer();
  auto perhaps = tls();  // a redirect may lead to https; without authorities it ends there
  return perhaps.ok() ? std::move(perhaps).value() : TlsPointer();
}

/// What can be known to be wrong before anything is sent.
Result<void> AsioClient::check(const ClientRequest& request) const {
  const Route route{.to = url_of(request)};
  const auto read = parse_url(route.to.origin());
  if (request.port == 0 || !read.ok() || !read.value().user.empty())
    return Error{Code::InvalidInput, "a host and a port from 1 to 65535 are required", "host"};
  TRY_VOID(request_head(request, route, HeadOptions{.user_agent = options_.user_agent}));
  return ok();
}

void AsioClient::begin(const std::shared_ptr<Trip>& trip) {
  trips_.insert(trip);
  if (closing_) trip->delivery()->cancel();
  asio::co_spawn(io_, trip->go(),
                 [this, trip](const std::exception_ptr& problem, Result<void> outcome) {
                   ended(trip, problem, std::move(outcome));
                 });
}

void AsioClient::ended(const std::shared_ptr<Trip>& trip, const std::exception_ptr& problem,
                       Result<void> outcome) {
  // The wall for what a sink may throw.
  try {
    if (problem) std::rethrow_exception(problem);
  } catch (const std::exception& thrown) {
    log::error("net: a transfer ended by an exception: {}", thrown.what());
    outcome = Error{Code::Internal, "the transfer ended by an exception"};
  } catch (...) {
    log::error("net: a transfer ended by an exception");
    outcome = Error{Code::Internal, "the transfer ended by an exception"};
  }
  trips_.erase(trip);
  transfers_.fetch_sub(1);
  trip->delivery()->end(outcome);
}

void AsioClient::close() {
  closing_ = true;
  for (const auto& trip : trips_) trip->delivery()->cancel();
  pool_.clear();
  keep_running_.reset();
}

}  // namespace

Result<std::unique_ptr<Client>> Client::open(ClientOptions options) {
  // Asio throws what it cannot be made from: descriptors and threads.
  try {
    return std::unique_ptr<Client>(std::make_unique<AsioClient>(std::move(options)));
  } catch (const std::exception& error) {
    return Error{Code::Unavailable,
                 std::string("the network client cannot start: ") + error.what()};
  }
}

Result<ClientOptions> client_options(const std::map<std::string, std::string>& environment) {
  ClientOptions options;
  TRY(options.proxies, read_proxies(environment));
  const auto file = environment.find("SSL_CERT_FILE");
  const auto folder = environment.find("SSL_CERT_DIR");
  if (file != environment.end()) options.ca_file = file->second;
  if (folder != environment.end()) options.ca_dir = folder->second;
  return options;
}

ClientRequest request_to(const Url& url, std::string method) {
  ClientRequest request{.method = std::move(method),
                        .scheme = url.scheme,
                        .host = url.host,
                        .port = url.port,
                        .target = url.target};
  if (!url.user.empty())
    request.headers.emplace_back("Authorization", basic_authorization(url.user));
  return request;
}

}  // namespace hearth::net
