#include "net/server.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <future>
#include <thread>
#include <unordered_set>

#include "base/check.h"
#include "base/log.h"
#include "net/server/connection.h"
#include "net/server/listener.h"

namespace hearth::net {
namespace {

using tcp = asio::ip::tcp;

// Connections above the limit that are being told so at one time; more are closed without a word.
constexpr std::size_t kRefusalsMax = 64;
// Out of file descriptors or memory: how long to leave new clients waiting in the kernel's line.
constexpr Millis kAcceptPause{100};

class TcpServer final : public Server {
 public:
  TcpServer(ServerOptions options, Handler handler);
  ~TcpServer() override;

  Result<void> listen();
  void run();

  std::uint16_t port() const override { return port_; }
  std::size_t in_flight() const override { return in_flight_.count(); }
  std::size_t connections() const override { return served_.load(); }
  void stop_accepting() override;
  Result<void> drain(const Call& call) override { return in_flight_.wait_for_none(call); }

 private:
  asio::awaitable<void> accept_clients();
  void admit(tcp::socket socket);
  void left(const std::shared_ptr<Connection>& connection, bool refused,
            const std::exception_ptr& problem);
  void close_listener();
  void drop_all();
  void on_net_thread(std::function<void()> work);

  const ServerOptions options_;
  InFlight in_flight_;
  Workers workers_;  // ends after the net thread: until then connections hand it jobs
  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> keep_running_{io_.get_executor()};
  tcp::acceptor acceptor_{io_};
  asio::steady_timer accept_pause_{io_};
  std::uint16_t port_ = 0;
  std::atomic<std::size_t> served_{0};

  // Net thread only.
  Common common_{.options = options_, .workers = workers_, .in_flight = in_flight_};
  std::unordered_set<std::shared_ptr<Connection>> live_;  // with their coroutines, until those end
  std::size_t refusing_ = 0;
  std::jthread net_;
};

TcpServer::TcpServer(ServerOptions options, Handler handler)
    : options_(std::move(options)),
      workers_(std::move(handler), options_.workers, options_.pending_max) {}

TcpServer::~TcpServer() {
  if (!net_.joinable()) return;  // listen() failed
  HEARTH_CHECK(net_.get_id() != std::this_thread::get_id(),
               "a server cannot end on its own thread");
  asio::post(io_, [this] { drop_all(); });
  net_.join();
}

Result<void> TcpServer::listen() {
  TRY(acceptor_, listen_on(io_, options_.host, options_.port));
  boost::system::error_code ignored;
  port_ = acceptor_.local_endpoint(ignored).port();
  return ok();
}

void TcpServer::run() {
  asio::co_spawn(io_, accept_clients(), [](const std::exception_ptr& problem) {
    HEARTH_CHECK(!problem, "accepting clients does not throw");
  });
  net_ = std::jthread([this] { io_.run(); });
}

asio::awaitable<void> TcpServer::accept_clients() {
  bool told = false;  // once for each time that nobody can be let in, not ten times a second
  while (acceptor_.is_open()) {
    tcp::socket socket(io_);
    const auto [problem] =
        co_await acceptor_.async_accept(socket, asio::as_tuple(asio::use_awaitable));
    if (!problem) {
      told = false;
      admit(std::move(socket));
    } else if (acceptor_.is_open() && problem != asio::error::connection_aborted) {
      if (!told) log::warn("net: cannot accept clients: {}", problem.message());
      told = true;
      accept_pause_.expires_after(kAcceptPause);
      co_await accept_pause_.async_wait(asio::as_tuple(asio::use_awaitable));
    }
  }
}

void TcpServer::admit(tcp::socket socket) {
  if (!acceptor_.is_open()) return;  // it came while we were closing
  const bool refused = served_.load() >= options_.limits.connections_max;
  if (refused && refusing_ >= kRefusalsMax) return;
  refused ? ++refusing_ : served_.fetch_add(1) + 1;

  auto connection = std::make_shared<Connection>(std::move(socket), common_);
  live_.insert(connection);
  asio::co_spawn(io_, refused ? connection->refuse() : connection->serve(),
                 [this, connection, refused](const std::exception_ptr& problem) {
                   left(connection, refused, problem);
                 });
}

void TcpServer::left(const std::shared_ptr<Connection>& connection, bool refused,
                     const std::exception_ptr& problem) {
  // The wall for what a coroutine may throw: the caller's error_body, or no memory.
  try {
    if (problem) std::rethrow_exception(problem);
  } catch (const std::exception& thrown) {
    log::error("net: a connection ended by an exception: {}", thrown.what());
  } catch (...) {
    log::error("net: a connection ended by an exception");
  }
  connection->drop();
  live_.erase(connection);
  refused ? --refusing_ : served_.fetch_sub(1) - 1;
}

void TcpServer::stop_accepting() {
  on_net_thread([this] { close_listener(); });
}

void TcpServer::close_listener() {
  boost::system::error_code ignored;
  acceptor_.close(ignored);
  accept_pause_.cancel();
  common_.closing = true;
  for (const auto& connection : live_) connection->ring();
}

void TcpServer::drop_all() {
  close_listener();
  for (const auto& connection : live_) connection->drop();
  keep_running_.reset();
}

/// Returns once `work` is done.
void TcpServer::on_net_thread(std::function<void()> work) {
  if (io_.get_executor().running_in_this_thread()) return work();
  std::packaged_task<void()> task(std::move(work));
  auto done = task.get_future();
  asio::post(io_, std::move(task));
  done.wait();
}

}  // namespace

Result<std::unique_ptr<Server>> Server::start(ServerOptions options, Handler handler) {
  HEARTH_CHECK(options.workers > 0 && options.pending_max > 0, "a server needs workers and a line");
  TRY_VOID(parse_host(options.host));
  // Asio throws what it cannot be made from: descriptors and threads.
  try {
    auto server = std::make_unique<TcpServer>(std::move(options), std::move(handler));
    TRY_VOID(server->listen());
    server->run();
    return std::unique_ptr<Server>(std::move(server));
  } catch (const std::exception& error) {
    return Error{Code::Unavailable, std::string("the server cannot start: ") + error.what(), {}};
  }
}

}  // namespace hearth::net
