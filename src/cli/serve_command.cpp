#include <iostream>
#include <memory>

#include "app/daemon.h"
#include "app/serve.h"
#include "cli/context.h"
#include "cli/daemon_start.h"

namespace hearth::cli {
namespace {

constexpr const char* kFooter =
    R"(Answers on http://127.0.0.1:11435: /v1/chat/completions, /v1/completions,
/v1/embeddings, /v1/responses, /v1/models, /v1/sessions, /v1/approvals, /v1/tools,
/v1/route, /v1/costs, /v1/spending, /tokenize, /detokenize, /health, /health/ready and
/metrics; for programs made for Anthropic /v1/messages, for Ollama /api/chat and its like
(docs/faces.md). Without --workspace or tools.workspace the model has no tools. gRPC
(aios.runtime.AIRuntime, docs/grpc.md) is on 127.0.0.1:50051; [grpc] of hearth.toml
changes that or switches it off. SIGUSR1 does what `hearth stop-spending` does.
SIGTERM and Ctrl-C let running answers end (server.drain_timeout); a second signal ends
at once.

Examples:
  hearth serve                               Ember, the built-in model
  hearth serve --model ~/models/qwen.gguf    another one
  hearth serve --detach                      in the background; `hearth stop` ends it
  curl http://127.0.0.1:11435/v1/chat/completions -H 'Content-Type: application/json' \
    -d '{"messages":[{"role":"user","content":"Hello"}]}'

Exit status: 0 stopped on request, 1 could not serve (port in use, bad model file …), 2
bad settings.)";

int serve_here(const Context& context) {
  const auto loaded = load_settings(context);
  if (!loaded.ok()) return fail_usage(loaded.error().message);
  app::ServeEvents events;
  events.on_ready = [](const std::string& url, const std::string& model) {
    std::cout << "hearth " << HEARTH_VERSION << " is ready at " << url << " with " << model
              << std::endl;
  };
  const auto served = app::serve(loaded.value(), events);
  if (served.ok()) return kDone;
  Error error = served.error();
  if (error.code == Code::Busy)
    error.message += "; end it with: hearth stop" + data_option(context);
  return fail(error);
}

int serve_detached(const Context& context) {
  const auto loaded = load_settings(context);
  if (!loaded.ok()) return fail_usage(loaded.error().message);
  const std::string& data_dir = loaded.value().config.data_dir;
  const auto before = app::find_daemon(data_dir);
  const auto daemon = start_daemon(Call::within(kDaemonStartMax), context, loaded.value());
  if (!daemon.ok()) return fail(daemon.error());
  const bool was_there = before.ok() && before.value() && before.value()->pid == daemon.value().pid;
  std::cout << "hearth " << (was_there ? "already runs" : "started") << ": pid "
            << daemon.value().pid << ", " << daemon.value().url() << "\n";
  const config::Config& config = loaded.value().config;
  if (config.grpc.enabled && daemon.value().grpc.empty())
    std::cerr << "hearth: gRPC: " << grpc_text(daemon.value(), config) << "\n";
  return kDone;
}

}  // namespace

void add_serve_command(CLI::App& root, Context& context) {
  const auto detach = std::make_shared<bool>(false);
  CLI::App* const command = add_command(
      root, context, "serve", "Answer other programs over HTTP", kFooter,
      [&context, detach] { return *detach ? serve_detached(context) : serve_here(context); });
  command->add_flag("--detach,-d", *detach, "Run in the background; returns once it answers");
  add_model_option(*command, context);
  add_listen_options(*command, context);
  add_workspace_options(*command, context);
}

}  // namespace hearth::cli
