#include <filesystem>

#include "app/daemon.h"
#include "app/oneshot.h"
#include "cli/ask/local.h"
#include "cli/daemon_start.h"
#include "cli/doctor/checks.h"
#include "net/server.h"
#include "vault/identity.h"

namespace hearth::cli {
namespace {

constexpr const char* kQuestion = "Respond with OK if you are working.";
constexpr std::uint32_t kAnswerTokensMax = 64;
constexpr std::uint32_t kTimedTokensMin = 8;  // fewer say nothing about the speed

bool is_ours(const config::Config& config) {
  const auto daemon = app::find_daemon(config.data_dir);
  return daemon.ok() && daemon.value() && daemon.value()->port == config.server.port;
}

/// Binds and lets go at once.
Result<void> try_to_listen(const std::string& host, std::uint16_t port) {
  net::ServerOptions options;
  options.host = host;
  options.port = port;
  options.workers = 1;
  TRY(const auto server,
      net::Server::start(options, [](const net::Request&, std::shared_ptr<net::Exchange> exchange) {
        exchange->respond({503});
      }));
  return ok();
}

std::string tokens_per_second(const Reply& reply) {
  if (reply.usage.completion_tokens < kTimedTokensMin || reply.timings.predicted_ms <= 0) return "";
  const double speed = (reply.usage.completion_tokens - 1) * 1'000.0 / reply.timings.predicted_ms;
  return ", " + std::to_string(static_cast<std::uint64_t>(speed)) + " tokens/s";
}

std::string one_line(std::string text) {
  constexpr std::size_t kShownMax = 80;
  for (char& c : text)
    if (c == '\n') c = ' ';
  return text.size() > kShownMax ? text.substr(0, kShownMax) + "…" : text;
}

Result<Reply> self_check(const Call& call, const config::Config& config) {
  metrics::Registry metrics;
  TRY(const auto model, app::open_oneshot(call, config, metrics, {}));
  const Question question{.messages = {said(chat::Role::User, kQuestion)},
                          .tokens_max = kAnswerTokensMax,
                          .temperature = 0.0};
  return ask_model(call, *model, question, [](std::string_view) {});
}

}  // namespace

const char* verdict_name(Verdict verdict) {
  switch (verdict) {
    case Verdict::Pass: return "PASS";
    case Verdict::Warn: return "WARN";
    case Verdict::Fail: return "FAIL";
  }
  return "FAIL";
}

Finding check_settings(const Result<config::Loaded>& loaded) {
  if (!loaded.ok())
    return {"settings", Verdict::Fail, loaded.error().message,
            "correct it; `hearth config check` tests it again"};
  const config::Loaded& good = loaded.value();
  if (!good.warnings.empty())
    return {"settings", Verdict::Warn, good.warnings.front(), "do what it says"};
  return {"settings", Verdict::Pass,
          good.file.empty() ? "defaults and environment; no file" : good.file};
}

Finding check_key(const std::string& key_path) {
  std::error_code ignored;
  if (!std::filesystem::exists(key_path, ignored))
    return {"key", Verdict::Pass, "will be created at the first start"};
  const auto identity = vault::Identity::open_or_create(key_path);
  if (!identity.ok())
    return {"key", Verdict::Fail, identity.error().message,
            "the daemon does not start without its key"};
  return {"key", Verdict::Pass, "device " + identity.value().device_id().substr(0, 16) + "…"};
}

Finding check_port(const config::Config& config) {
  const std::string place = config.server.host + ":" + std::to_string(config.server.port);
  if (config.server.port == 0) return {"port", Verdict::Pass, "any free one"};
  if (is_ours(config)) return {"port", Verdict::Pass, place + " is our daemon's"};
  const auto listened = try_to_listen(config.server.host, config.server.port);
  if (listened.ok()) return {"port", Verdict::Pass, place + " is free"};
  return {"port", Verdict::Fail, listened.error().message,
          "end the program that has it, or choose another: server.port, HEARTH_PORT or --port"};
}

Finding check_grpc(const config::Config& config) {
  if (!config.grpc.enabled) return {"grpc", Verdict::Pass, "switched off"};
  const char* const remedy = "set grpc.port to a free one, or grpc.enabled to false";
  const auto daemon = app::find_daemon(config.data_dir);
  if (daemon.ok() && daemon.value() && daemon.value()->port != 0) {
    if (!daemon.value()->grpc.empty())
      return {"grpc", Verdict::Pass, "our daemon's, on " + daemon.value()->grpc};
    return {"grpc", Verdict::Warn, grpc_text(*daemon.value(), config), remedy};
  }
  if (config.grpc.port == 0) return {"grpc", Verdict::Pass, "any free port"};
  const auto listened = try_to_listen(config.grpc.host, config.grpc.port);
  if (listened.ok())
    return {"grpc", Verdict::Pass,
            config.grpc.host + ":" + std::to_string(config.grpc.port) + " is free"};
  return {"grpc", Verdict::Warn,
          listened.error().message + ": there is no gRPC then, and no daemon where [grpc] is set",
          remedy};
}

Finding check_daemon(const config::Config& config) {
  const auto daemon = app::find_daemon(config.data_dir);
  if (!daemon.ok())
    return {"daemon", Verdict::Fail, daemon.error().message,
            "make the file readable, or remove it"};
  if (!daemon.value()) return {"daemon", Verdict::Pass, "none runs"};
  const std::string pid = "pid " + std::to_string(daemon.value()->pid);
  const std::string& version = daemon.value()->version;
  if (version != HEARTH_VERSION)
    return {"daemon", Verdict::Warn,
            pid + " is version " + version + ", this program is " HEARTH_VERSION,
            "restart it: hearth stop && hearth serve --detach"};
  return {"daemon", Verdict::Pass, pid + ", version " + version};
}

Finding check_model(const Call& call, const config::Config& config) {
  const auto reply = self_check(call, config);
  if (!reply.ok())
    return {"model", Verdict::Fail, reply.error().message,
            "see `hearth inspect FILE`; Ember works without any file"};
  const std::string shown = reply.value().model + " says \"" + one_line(reply.value().text) + "\"";
  if (reply.value().text.find("OK") != std::string::npos)
    return {"model", Verdict::Pass, shown + tokens_per_second(reply.value())};
  // Ember is made to answer this; another model may have its own mind.
  const bool is_ember = app::with_default_model(config).model.path.empty();
  return {
      "model", is_ember ? Verdict::Fail : Verdict::Warn, shown + " instead of OK",
      is_ember
          ? "this build computes wrong numbers: build it again, and report it"
          : "try it with `hearth chat`; a base model or a broken quantization answers like this"};
}

}  // namespace hearth::cli
