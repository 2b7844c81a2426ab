#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "app/daemon.h"
#include "base/time_source.h"
#include "cli/ask/daemon_client.h"
#include "cli/context.h"
#include "cli/sessions/visit.h"
#include "cli/terminal/table.h"
#include "policy/price.h"
#include "store/ledger.h"

namespace hearth::cli {
namespace {

using json = nlohmann::ordered_json;

constexpr const char* kFooter =
    R"(Ends all answers of paid providers that run, at once, and refuses new ones, until
--release says otherwise; a restart changes nothing. Models of this machine, and providers
that are free, go on. Without a daemon it holds from the next start. SIGUSR1 does the same
to a daemon: kill -USR1 PID.

Examples:
  hearth stop-spending
  hearth stop-spending --why "the key leaked"
  hearth stop-spending --release
  hearth stop-spending --status

Exit status: 0 done, 1 it could not be written, 2 wrong command line or settings.)";

struct Options {
  bool release = false, status = false;
  std::string why{};
};

policy::MicroDollars amount(const json& line, const char* name) {
  return line.contains(name) && line[name].is_number_integer() ? line[name].get<std::int64_t>() : 0;
}

void print(const json& told) {
  const bool stopped = told.value("stopped", false);
  const std::string why = told.value("why", "");
  std::cout << (stopped ? "spending is stopped" + (why.empty() ? "" : " (" + why + ")") +
                              "; to go on: hearth stop-spending --release\n"
                        : "spending goes on\n");
  Table table;
  table.add_row({"OF", "SPENT", "AT MOST"});
  for (const json& line : told["caps"])
    table.add_row({line.value("what", ""), policy::dollars_text(amount(line, "spent_microdollars")),
                   line["max_microdollars"].is_null()
                       ? "no bound"
                       : policy::dollars_text(amount(line, "max_microdollars"))});
  std::cout << table.text();
}

Result<int> ask_daemon(const Call& call, const DaemonClient& daemon, const Options& options) {
  if (options.status) {
    TRY(const json told, daemon.send(call, "GET", "/v1/spending"));
    print(told);
    return kDone;
  }
  json body = json::object();
  if (!options.why.empty()) body["why"] = options.why;
  TRY(const json told,
      daemon.send(call, "POST", options.release ? "/v1/spending/release" : "/v1/spending/stop",
                  dumped(body, -1)));
  print(told);
  return kDone;
}

/// Into the store, for the daemon that will be started.
Result<int> write_down(const Call& call, const config::Config& config, const Options& options) {
  TRY(const auto store, store::Store::open(config.db_path));
  const SystemTime time;
  store::Ledger ledger(*store, time);
  TRY_VOID(options.release ? ledger.go_on(call) : ledger.stop(call, options.why));
  std::cout << (options.release ? "spending goes on" : "spending is stopped")
            << "; no daemon is running\n";
  return kDone;
}

int stop_spending(Context& context, const Options& options) {
  const auto loaded = load_settings(context);
  if (!loaded.ok()) return fail_usage(loaded.error().message);
  const auto daemon = app::find_daemon(loaded.value().config.data_dir);
  const bool is_running = daemon.ok() && daemon.value();
  if (is_running || options.status)
    return with_daemon(
        context, kVisitMax,
        [&](const Call& call, const config::Config&, const DaemonClient& client) -> Result<int> {
          return ask_daemon(call, client, options);
        });
  const auto done = write_down(Call::within(kVisitMax), loaded.value().config, options);
  return done.ok() ? done.value() : fail(done.error());
}

}  // namespace

void add_stop_spending_command(CLI::App& root, Context& context) {
  const auto options = std::make_shared<Options>();
  CLI::App* const command =
      add_command(root, context, "stop-spending", "Stop paying providers, at once", kFooter,
                  [&context, options] { return stop_spending(context, *options); });
  auto* const release = command->add_flag("--release", options->release, "Let it go on");
  auto* const status =
      command->add_flag("--status", options->status, "Change nothing, show how it is");
  command->add_option("--why", options->why, "The reason, as refused questions are told")
      ->type_name("TEXT")
      ->excludes(release)
      ->excludes(status);
  status->excludes(release);
}

}  // namespace hearth::cli
