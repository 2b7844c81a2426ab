#include <iostream>
#include <memory>

#include "cli/context.h"
#include "cli/sessions/message_text.h"
#include "cli/sessions/visit.h"
#include "cli/terminal/table.h"

namespace hearth::cli {
namespace {

using json = nlohmann::ordered_json;

constexpr Millis kModelLoadMax{600'000};
constexpr const char* kFooter =
    R"(Shows what the model of a session would read with the next message, counted in its own
tokens, in the order in which it reads:
  static   who the assistant is, the rules and the tools; the same for all sessions,
           computed once
  history  what was said, as the model saw it; at 80 % of its room the oldest part is put
           into a summary, and stays searchable
  tail     the day, and what is remembered that fits the message; not kept
Of the history, `kept` tokens are in the model's state or on disk and are not computed
again.

Examples:
  hearth context work
  hearth context work --text | less
  hearth context work --json | jq .static.tokens

Exit status: 0 shown, 1 there is no such session, or no daemon, 2 wrong command line or
settings.)";

struct Options {
  std::string key;
  bool as_json = false, text = false;
};

std::uint64_t number(const json& zone, const char* name) {
  return zone.value(name, std::uint64_t{0});
}

std::string tokens(const json& zone) { return std::to_string(number(zone, "tokens")); }

std::string about_history(const json& history) {
  std::string text = std::to_string(number(history, "messages")) + " messages, room for " +
                     std::to_string(number(history, "tokens_max")) + " tokens";
  const json& summary = history["summary"];
  if (summary.is_object())
    text += ", behind " + std::to_string(number(summary, "messages")) + " in the archive";
  return text;
}

std::string about_tools(const json& zone) {
  std::string names;
  for (const json& name : zone["tools"])
    names += (names.empty() ? "" : ", ") + one_line(name.get<std::string>());
  return names.empty() ? "no tools" : names;
}

void print_zones(const json& view) {
  const json &first = view["static"], &history = view["history"], &tail = view["tail"];
  Table table;
  table.add_row({"ZONE", "TOKENS", "WHAT"});
  table.add_row({"static", tokens(first), about_tools(first)});
  table.add_row({"history", tokens(history), about_history(history)});
  table.add_row({"tail", tokens(tail), one_line(tail.value("text", std::string()))});
  std::cout << one_line(view.value("model", std::string())) << " holds "
            << number(view, "context_tokens") << " tokens; " << number(history, "kept_tokens")
            << " are kept\n"
            << table.text();
}

void print_texts(const json& view) {
  std::cout << "\n" << printable(view["static"].value("text", std::string())) << "\n";
  const json& summary = view["history"]["summary"];
  if (summary.is_object())
    std::cout << "\n[earlier: " << printable(summary.value("text", std::string())) << "]\n";
  std::cout << "\n" << printable(view["tail"].value("text", std::string())) << "\n";
}

Result<void> show(const Visit& with, const Options& options) {
  TRY(const SessionFacts session, with.directory.require(with.call, options.key));
  TRY_VOID(wait_until_ready(with.call, with.client));  // how much it holds is known then
  TRY(const json view, with.directory.context(with.call, session.id));
  if (options.as_json) {
    std::cout << dumped(view, 2) << "\n";
    return ok();
  }
  print_zones(view);
  if (options.text) print_texts(view);
  return ok();
}

}  // namespace

void add_context_command(CLI::App& root, Context& context) {
  const auto options = std::make_shared<Options>();
  CLI::App* const command = add_command(
      root, context, "context", "What the model of a session is shown", kFooter,
      [&context, options] {
        return visit(
            context, [&](const Visit& with) { return show(with, *options); }, kModelLoadMax);
      });
  command->add_option("session", options->key, "Its name or its id")
      ->required()
      ->type_name("SESSION");
  command->add_flag("--json", options->as_json, "All of it, as a JSON object");
  command->add_flag("--text", options->text, "With the texts of the zones");
}

}  // namespace hearth::cli
