#include <algorithm>
#include <iostream>
#include <memory>

#include "app/oneshot.h"
#include "app/replay.h"
#include "cli/context.h"
#include "cli/replay/replay_text.h"
#include "cli/replay/scripts.h"
#include "cli/sessions/visit.h"
#include "cli/terminal/interrupt.h"
#include "cli/terminal/progress.h"
#include "store/store.h"

namespace hearth::cli {
namespace {

constexpr const char* kFooter =
    R"(Makes a turn of a session again, as it was made then: the model is loaded for it and asked
the same with the same seeds; tools are not run, what they said then is said again. No
daemon is needed, nothing is sent and nothing is changed. TURN is SESSION/NUMBER, or a
session for its last turn; `hearth sessions show` has the numbers.

With a local model the turn is the same, bit by bit, as long as neither the model's file
nor Hearth has changed, where the model can promise that (docs/determinism.md). --diff
shows the first thing that is another one: after an upgrade, with --model after the
choice of another file. Journals are kept for store.journal_days_max days.

FILE.turn is a conversation that was written down as a test: messages, what the model says
(or the configured model, greedily), what shall come of it. It runs with Hearth's tools in
a workspace of its own, and each of its turns is made again from its journal. Where
nothing is expected, what was said is printed. tests/replay/ in the sources has examples.

Examples:
  hearth replay work
  hearth replay work/4 --diff
  hearth replay work/4 --model ~/models/newer.gguf --diff
  hearth replay tests/replay/*.turn

Exit status: 0 the same, 1 not the same or it cannot be made again, 2 wrong command line or
settings, 130 interrupted.)";

constexpr Millis kReplayMax{3'600'000};

struct Options {
  std::vector<std::string> turns;  // one, or scripts
  bool as_json = false, with_difference = false;
};

Result<app::ReplayReport> replay(const Call& call, const config::Config& config,
                                 const TurnName& name) {
  TRY(const auto store, store::Store::open_to_read(config.db_path));
  metrics::Registry metrics;
  Progress progress;
  TRY(const auto model, app::open_oneshot(call, config, metrics, [&](const std::string& state) {
        progress.show(state, fraction_in(state));
      }));
  progress.show("the turn is made again", std::nullopt);
  return app::replay_turn(call, config, *store, *model, name.session, name.turn);
}

int show(const app::ReplayReport& report, const Options& options) {
  if (options.as_json) {
    std::cout << dumped(replay_json(report), 2) << "\n";
  } else {
    std::cout << replay_text(report, options.with_difference);
  }
  std::cout.flush();
  return report.replayed.is_same() ? kDone : kFailed;
}

int run_turn(const config::Config& config, const Options& options) {
  const auto name = read_turn_name(options.turns.front());
  if (!name.ok()) return fail_usage(name.error().message);
  const Interrupt interrupt;
  const Call call = Call::within(kReplayMax, interrupt.token());
  const auto report = replay(call, config, name.value());
  if (interrupt.signal() != 0) return interrupt.exit_status();
  return report.ok() ? show(report.value(), options) : fail(report.error());
}

int run_files(const config::Config& config, const Options& options) {
  if (options.as_json || options.with_difference)
    return fail_usage("--json and --diff are for turns of a session, not for scripts");
  const Interrupt interrupt;
  const auto all = run_scripts(Call::within(kReplayMax, interrupt.token()), config, options.turns);
  if (interrupt.signal() != 0) return interrupt.exit_status();
  if (all.ok()) return all.value() ? kDone : kFailed;
  return all.error().code == Code::InvalidInput ? fail_usage(printable(all.error().message))
                                                : fail(all.error());
}

int run(const Context& context, const Options& options) {
  const auto loaded = load_settings(context);
  if (!loaded.ok()) return fail_usage(loaded.error().message);
  const auto scripts = std::ranges::count_if(options.turns, is_script);
  if (scripts > 0 && scripts < std::ssize(options.turns))
    return fail_usage("turns of a session and scripts do not go together");
  if (scripts > 0) return run_files(loaded.value().config, options);
  if (options.turns.size() > 1) return fail_usage("one turn at a time can be made again");
  return run_turn(loaded.value().config, options);
}

}  // namespace

void add_replay_command(CLI::App& root, Context& context) {
  const auto options = std::make_shared<Options>();
  CLI::App* const command =
      add_command(root, context, "replay", "Make a turn of a session again, and compare", kFooter,
                  [&context, options] { return run(context, *options); });
  command
      ->add_option("turn", options->turns,
                   "SESSION/NUMBER, SESSION for its last turn, or scripts (*.turn)")
      ->required()
      ->type_name("TURN");
  add_model_option(*command, context);
  command->add_flag("--diff", options->with_difference, "Show the first difference");
  command->add_flag("--json", options->as_json, "All of it, as a JSON object");
}

}  // namespace hearth::cli
