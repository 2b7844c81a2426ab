#include <unistd.h>

#include <iostream>
#include <memory>

#include "cli/context.h"
#include "cli/terminal/interrupt.h"
#include "cli/undo/take_back.h"

namespace hearth::cli {
namespace {

constexpr const char* kFooter =
    R"(Takes back the last change that a tool of Hearth's made to a file, or the one with the
number that --list shows. What will change is shown as a diff, and asked about on a
terminal; elsewhere --yes is required. A file that has changed since is left alone,
unless --force is given. A file that was new is removed. It works with and without a
running daemon; 256 versions and 64 MiB are kept.

Examples:
  hearth undo
  hearth undo --list
  hearth undo 12 --yes

Exit status: 0 taken back (or listed), 1 not, 2 wrong command line or settings.)";

struct Options {
  TakeBack wanted;
  bool lists = false, yes = false;
};

bool ask_here(const std::string& plan) {
  std::cerr << plan << "Take it back? [y/N] " << std::flush;
  std::string line;
  return static_cast<bool>(std::getline(std::cin, line)) && is_yes(line);
}

int list(const config::Config& config) {
  const auto table = changes_table(config);
  if (!table.ok()) return fail(table.error());
  if (table.value().empty()) std::cerr << "hearth: there is nothing to undo\n";
  std::cout << table.value();
  return kDone;
}

int undo(const Context& context, const Options& options) {
  const auto loaded = load_settings(context);
  if (!loaded.ok()) return fail_usage(loaded.error().message);
  if (options.lists) return list(loaded.value().config);
  if (!options.yes && !is_terminal(STDIN_FILENO))
    return fail_usage("there is no terminal to ask on: say --yes to undo without being asked");
  bool agreed = options.yes;
  const auto confirm = [&](const std::string& plan) {
    if (options.yes) std::cerr << plan;
    if (!options.yes) agreed = ask_here(plan);
    return agreed;
  };
  const auto done = take_back(Call::within(kUndoMax), loaded.value().config, options.wanted,
                              Style::of(STDERR_FILENO), confirm);
  if (!done.ok()) return fail(done.error());
  (agreed ? std::cout : std::cerr) << (agreed ? "" : "hearth: ") << done.value() << "\n";
  return agreed ? kDone : kFailed;
}

}  // namespace

void add_undo_command(CLI::App& root, Context& context) {
  const auto options = std::make_shared<Options>();
  CLI::App* const command =
      add_command(root, context, "undo", "Take back what a tool changed", kFooter,
                  [&context, options] { return undo(context, *options); });
  command->add_option("number", options->wanted.number, "Which change; without it the last one")
      ->type_name("N");
  command->add_flag("--list,-l", options->lists, "Show the changes that can be taken back");
  command->add_flag("--yes,-y", options->yes, "Do not ask");
  command->add_flag("--force,-f", options->wanted.force,
                    "Also if the file has changed since; what is there now is lost");
}

}  // namespace hearth::cli
