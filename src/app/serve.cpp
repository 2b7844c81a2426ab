#include "app/serve.h"

#include <signal.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <ctime>
#include <functional>
#include <future>

#include "agent/sessions.h"
#include "api/api.h"
#include "app/assistant.h"
#include "app/books.h"
#include "app/daemon.h"
#include "app/models.h"
#include "app/providers.h"
#include "app/upkeep.h"
#include "base/log.h"
#include "base/time_source.h"
#include "metrics/metrics.h"
#include "net/server.h"
#include "store/store.h"
#include "vault/identity.h"

namespace hearth::app {
namespace {

constexpr rlim_t kDescriptorsWanted = 65'536;
constexpr Millis kHandoverMax{5'000};    // a daemon that was killed takes its end
constexpr Millis kRecoverMax{60'000};    // reading what the last process left
constexpr Millis kLoadingPoll{20};       // how soon a loaded model is announced
constexpr Millis kSelfTestMax{300'000};  // of one model
constexpr Millis kDrainingPoll{20};      // how soon the last answer's end is noticed
constexpr Millis kLastReplies{1'000};    // for answers already made to reach their clients

/// SIGTERM and SIGINT, taken one at a time on the main thread instead of by a handler; and SIGUSR1,
/// which stops spending and nothing else.
class Signals {
 public:
  /// Blocks them in this thread and in all threads that start later.
  Signals() {
    sigemptyset(&set_);
    sigaddset(&set_, SIGTERM);
    sigaddset(&set_, SIGINT);
    sigaddset(&set_, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &set_, nullptr);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);  // a file at its limit is a failed write, not our end
  }
  /// From now on SIGUSR1 does this, on the thread that waits here.
  void on_stop_spending(std::function<void()> stop_spending) {
    stop_spending_ = std::move(stop_spending);
  }
  /// True if one came within `budget` that ends the program.
  bool wait(Millis budget) const {
    const timespec timeout{.tv_sec = budget.count() / 1'000,
                           .tv_nsec = budget.count() % 1'000 * 1'000'000};
    return is_end(sigtimedwait(&set_, nullptr, &timeout));
  }
  void wait() const {
    while (!is_end(sigwaitinfo(&set_, nullptr))) {
    }
  }

 private:
  bool is_end(int signal) const {
    if (signal == SIGUSR1 && stop_spending_) stop_spending_();
    return signal > 0 && signal != SIGUSR1;
  }

  std::function<void()> stop_spending_{};
  sigset_t set_{};
};

net::ServerOptions server_options(const config::Config& config) {
  net::ServerOptions options;
  options.host = config.server.host;
  options.port = config.server.port;
  options.limits.body_bytes_max = config.server.body_bytes_max;
  options.limits.header_bytes_max = config.server.header_bytes_max;
  options.limits.connections_max = config.server.connections_max;
  // A connection has one request at a time: this line is never full, so that who is too many for a
  // model is told so by the model's own queue (429), not by this one (503).
  options.pending_max = config.server.connections_max;
  options.error_body = api::Api::error_body;
  return options;
}

enum class Until : std::uint8_t { Ready, Signalled };

/// Waits for a model, or for a signal before it was seen to be ready. Errors: what kept it from
/// loading.
Result<Until> wait_for_model(const Signals& signals, const config::Config& config,
                             const model::Model& model) {
  while (model.state() != model::State::Ready) {
    if (model.state() == model::State::Failed) return load_error(config, model);
    if (signals.wait(kLoadingPoll)) return Until::Signalled;
  }
  return Until::Ready;
}

/// A signal ends the test of a model.
Result<Until> test_model(const Signals& signals, model::Model& model) {
  std::stop_source stop;
  auto tested = std::async(std::launch::async, [&] {
    return self_test(Call::within(kSelfTestMax, stop.get_token()), model);
  });
  while (tested.wait_for(Millis(0)) != std::future_status::ready) {
    if (!signals.wait(kLoadingPoll)) continue;
    stop.request_stop();
    return Until::Signalled;
  }
  TRY_VOID(tested.get());
  log::info("model '{}' has passed its self-test", model.name());
  return Until::Ready;
}

/// Those that have to be there from the start.
Result<Until> wait_for_models(const Signals& signals, const config::Config& config,
                              const OpenModels& models) {
  for (const model::Model* const model : models.all) {
    if (model->is_on_demand()) continue;
    TRY(const Until loaded, wait_for_model(signals, config, *model));
    if (loaded == Until::Signalled) return loaded;
  }
  for (model::Model* const model : models.tried) {
    TRY(const Until tested, test_model(signals, *model));
    if (tested == Until::Signalled) return tested;
  }
  return Until::Ready;
}

/// Closes the doors, once the answers that are made already have reached their clients.
void let_go(net::Server& server, api::GrpcServer* grpc) {
  const Call call = Call::within(kLastReplies);
  server.stop_accepting();
  const auto drained = server.drain(call);
  if (!drained.ok()) log::warn("some clients were slow to take their last answer");
  if (grpc) grpc->stop(call);
}

/// What stands in the way of a port, with what can be done.
Error port_error(Error error, const char* setting, const char* option) {
  error.message += std::string("; set ") + setting + option +
                   " to another one, or end what has it (`hearth stop`, if that is a Hearth of "
                   "another data directory, with its --data)";
  return error;
}

/// Null if there is none, because it is switched off, or because others have its port and nobody
/// has asked for it by any setting. Errors: those of Api::open_grpc().
Result<std::unique_ptr<api::GrpcServer>> open_grpc(const config::Loaded& loaded, api::Api& api) {
  if (!loaded.config.grpc.enabled) return std::unique_ptr<api::GrpcServer>();
  auto opened = api.open_grpc();
  if (opened.ok()) {
    log::info("gRPC listens on {}", opened.value()->address());
    return opened;
  }
  const bool is_wanted = std::ranges::any_of(loaded.origins, [](const auto& entry) {
    return entry.first.starts_with("grpc.") && entry.second != "default";
  });
  if (opened.error().code != Code::Unavailable) return opened;
  if (is_wanted) return port_error(opened.error(), "grpc.port", "");
  log::warn("no gRPC: {}; set grpc.port to another one, or grpc.enabled to false",
            opened.error().message);
  return std::unique_ptr<api::GrpcServer>();
}

Result<std::unique_ptr<net::Server>> open_server(net::ServerOptions options, net::Handler handler) {
  auto server = net::Server::start(std::move(options), std::move(handler));
  if (!server.ok() && server.error().code == Code::Unavailable)
    return port_error(server.error(), "server.port", " (--port)");
  return server;
}

/// Running answers go on, new ones get 503 (Api asks `draining`), until none runs, the time is up
/// or a second signal comes. The socket stays open meanwhile, so that new work is told and not just
/// refused. True: there was a second signal.
bool drain(const Signals& signals, agent::Sessions& sessions, api::Api& api, Millis budget) {
  const auto deadline = Clock::now() + budget;
  log::info("stopping: {} answers are still running", api.answers());
  bool hurried = false;
  while (api.answers() > 0 && Clock::now() < deadline && !hurried)
    hurried = signals.wait(kDrainingPoll);
  if (api.answers() > 0) log::warn("ending {} answers that did not finish in time", api.answers());
  sessions.stop();    // turns go on at the next start
  api.end_answers();  // their clients are told, with an error
  return hurried;
}

/// Each connection is one, and the usual soft limit of 1,024 is there for programs that use
/// select().
void take_more_descriptors() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = std::max(limit.rlim_cur, std::min<rlim_t>(limit.rlim_max, kDescriptorsWanted));
  ::setrlimit(RLIMIT_NOFILE, &limit);  // else it stays as it was
}

}  // namespace

Result<void> serve(const config::Loaded& loaded, const ServeEvents& events) {
  const config::Config& config = loaded.config;
  take_more_descriptors();
  Signals signals;
  TRY_VOID(log::start(config.log.level, "daemon"));
  TRY(auto lock, DaemonLock::acquire(Call::within(kHandoverMax), config.data_dir));
  TRY(const auto identity, vault::Identity::open_or_create(config.key_path));

  const SystemTime time;
  metrics::Registry metrics;
  std::atomic<bool> draining = false;
  TRY(const auto store, store::Store::open(config.db_path));
  TRY(const auto books, Books::open(config, *store, time, metrics));
  signals.on_stop_spending([&books] { books->stop_spending("SIGUSR1"); });
  TRY(const auto providers, Providers::open(config, config::process_environment(), books->cashier(),
                                            time, metrics, books->told()));
  TRY(const OpenModels open,
      open_models(config, time, metrics, books->told(), providers->listed()));
  const api::Models models{open.all, open.router.get(),
                           [&providers](std::string_view name) { return providers->find(name); }};
  std::atomic<bool> trying = !open.tried.empty();
  TRY(const auto assistant, Assistant::open(config, *store, time));
  const auto find_model = [&models](std::string_view name) { return models.find(name); };
  agent::Sessions sessions(turn_parts(config, *store, time, find_model, assistant.get()),
                           {.turns_max = config.agent.turns_max});
  api::Api api(api::Parts{.models = models,
                          .config = config,
                          .device_id = identity.device_id(),
                          .registry = metrics,
                          .time = time,
                          .sessions = &sessions,
                          .store = store.get(),
                          .cashier = &books->cashier(),
                          .uses = &books->uses(),
                          .draining = [&draining] { return draining.load(); },
                          .missing = [&trying]() -> std::vector<std::string> {
                            if (!trying) return {};
                            return {"operational models have not passed their self-test yet"};
                          }});
  TRY_VOID(sessions.recover(Call::within(kRecoverMax)));
  TRY_VOID(api.recover(Call::within(kRecoverMax)));
  const Upkeep upkeep(*store, time, retention_limits(config.store));
  net::ServerOptions options = server_options(config);
  options.at_once = api.at_once();
  TRY(const auto server, open_server(std::move(options), api.handler()));
  TRY(const auto grpc, open_grpc(loaded, api));
  const DaemonInfo here{
      .host = config.server.host, .port = server->port(), .grpc = grpc ? grpc->address() : ""};
  TRY_VOID(lock.publish(here));
  if (events.on_listening) events.on_listening(here.url());
  const auto reached = wait_for_models(signals, config, open);
  if (!reached.ok()) {
    let_go(*server, grpc.get());
    return reached.error();
  }
  trying = false;
  if (reached.value() == Until::Ready) {
    if (events.on_ready) events.on_ready(here.url(), open.all.front()->name());
    signals.wait();
  }
  draining = true;
  // While the model loads no answer has begun that could be let end.
  const bool loading =
      reached.value() == Until::Signalled && open.all.front()->state() != model::State::Ready;
  const bool hurried =
      drain(signals, sessions, api, loading ? Millis(0) : config.server.drain_timeout);
  hurried ? server->stop_accepting() : let_go(*server, grpc.get());
  return ok();
}

}  // namespace hearth::app
