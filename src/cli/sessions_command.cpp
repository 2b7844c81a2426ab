#include <unistd.h>

#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/context.h"
#include "cli/sessions/directory.h"
#include "cli/sessions/message_text.h"
#include "cli/sessions/sessions_table.h"
#include "cli/sessions/visit.h"
#include "cli/terminal/style.h"
#include "cli/terminal/table.h"

namespace hearth::cli {
namespace {

using json = nlohmann::ordered_json;

constexpr const char* kFooter =
    R"(A session is a conversation that the daemon remembers. One begins with the first
message that names it:
  hearth run --session work "My name is Ada."
  hearth chat --session work
Programs name it as session_id in POST /v1/chat/completions. A session is called by
its name or by its id (sess_...). What is shown are the sessions of whoever has the
first of server.tokens; without tokens everybody has the same ones. A daemon is
started if none runs.

Examples:
  hearth sessions list
  hearth sessions show work | less
  hearth sessions export work --format markdown > work.md
  hearth sessions search red house

`hearth sessions COMMAND --help` explains each.)";

constexpr const char* kListFooter =
    R"(The one that was used last comes first. STATE says what a session does right now:
idle, thinking (an answer is made), acting (a tool runs) or waiting (for a decision).

Examples:
  hearth sessions list
  hearth sessions list --json | jq -r '.[].name'

Exit status: 0 listed, 1 no daemon could be started or reached, 2 wrong settings.)";

constexpr const char* kShowFooter =
    R"(Control characters are replaced, so that nothing that was said can act on the
terminal. `hearth sessions export` gives the messages as they are.

Examples:
  hearth sessions show work
  hearth sessions show sess_0123456789abcdefghijklmn | less

Exit status: 0 shown, 1 there is no such session, or no daemon, 2 wrong settings.)";

constexpr const char* kExportFooter = R"(Writes to standard output. Formats:
  json      one object: session, and messages in order (the default)
  jsonl     one message in each line
  markdown  a document for people

Examples:
  hearth sessions export work > work.json
  hearth sessions export work --format jsonl | jq -r .content
  hearth sessions export work --format markdown > work.md

Exit status: 0 written, 1 there is no such session, no daemon, or it broke off, 2 wrong
command line or settings.)";

constexpr const char* kDeleteFooter =
    R"(Asks first, on a terminal; elsewhere --yes is required. What was deleted is gone: a
turn that runs is stopped, and no copy is kept.

Examples:
  hearth sessions delete work
  hearth sessions delete --yes work

Exit status: 0 deleted, 1 not deleted, 2 wrong command line or settings.)";

constexpr const char* kSearchFooter =
    R"(Finds the messages of all sessions that hold every one of the words, the best
first, with the words in [brackets]. Quotes and signs mean nothing special.

Examples:
  hearth sessions search red house
  hearth sessions search --json "isn't it?" | jq -r '.[].session_name'

Exit status: 0 searched, 1 no daemon could be started or reached, 2 wrong command line
or settings.)";

constexpr std::size_t kFoundMax = 50;

// ---- list ---------------------------------------------------------------------------------------

Result<void> list(const Visit& with, bool as_json) {
  TRY(const auto sessions, with.directory.list(with.call));
  if (as_json) {
    json all = json::array();
    for (const SessionFacts& session : sessions) all.push_back(session.json);
    std::cout << dumped(all, 2) << "\n";
    return ok();
  }
  if (sessions.empty()) {
    std::cerr << "hearth: no sessions yet; `hearth chat --session NAME` begins one\n";
    return ok();
  }
  std::cout << sessions_table(sessions);
  return ok();
}

// ---- show, export -------------------------------------------------------------------------------

std::string dates(const SessionFacts& session) {
  return "begun " + time_text(session.created_s) + ", last used " + time_text(session.used_s);
}

Result<void> show(const Visit& with, const std::string& key) {
  TRY(const SessionFacts session, with.directory.require(with.call, key));
  const Style style = Style::of(STDOUT_FILENO);
  std::cout << style.dim(one_line(session.label()) + " (" + one_line(session.id) + "), " +
                         dates(session))
            << "\n";
  return with.directory.each_message(with.call, session.id, [&](const json& message) {
    std::cout << "\n" << message_text(message, style);
  });
}

Result<void> export_json(const Visit& with, const SessionFacts& session) {
  std::cout << "{\"session\": " << dumped(session.json, -1) << ",\n\"messages\": [";
  const char* before = "\n";
  TRY_VOID(with.directory.each_message(with.call, session.id, [&](const json& message) {
    std::cout << before << dumped(message, -1);
    before = ",\n";
  }));
  std::cout << "\n]}\n";
  return ok();
}

Result<void> export_lines(const Visit& with, const SessionFacts& session) {
  return with.directory.each_message(
      with.call, session.id, [](const json& message) { std::cout << dumped(message, -1) << "\n"; });
}

Result<void> export_markdown(const Visit& with, const SessionFacts& session) {
  std::cout << "# " << one_line(session.label()) << "\n\n"
            << session.id << ", " << dates(session) << "\n\n";
  return with.directory.each_message(with.call, session.id, [](const json& message) {
    const std::string text = message_markdown(message);
    std::cout << (is_terminal(STDOUT_FILENO) ? printable(text) : text);
  });
}

Result<void> write_out(const Visit& with, const std::string& key, const std::string& format) {
  TRY(const SessionFacts session, with.directory.require(with.call, key));
  if (format == "jsonl") return export_lines(with, session);
  if (format == "markdown") return export_markdown(with, session);
  return export_json(with, session);
}

// ---- delete -------------------------------------------------------------------------------------

/// Errors: Cancelled (the person said no).
Result<void> ask_whether(const SessionFacts& session) {
  std::cerr << "Delete the session " << one_line(session.label()) << " (" << dates(session)
            << ")? [y/N] " << std::flush;
  std::string answer;
  std::getline(std::cin, answer);
  if (answer == "y" || answer == "Y" || answer == "yes") return ok();
  return Error{Code::Cancelled, "nothing was deleted"};
}

Result<void> remove(const Visit& with, const std::string& key, bool yes) {
  TRY(const SessionFacts session, with.directory.require(with.call, key));
  if (!yes) TRY_VOID(ask_whether(session));
  // Thinking takes as long as it takes; the deletion has its own time.
  TRY_VOID(with.directory.remove(Call::within(kVisitMax, with.call.stop), session.id));
  std::cout << "deleted " << one_line(session.label()) << "\n";
  return ok();
}

int delete_one(const Context& context, const std::string& key, bool yes) {
  if (!yes && !is_terminal(STDIN_FILENO))
    return fail_usage("there is no terminal to ask on: say --yes to delete without being asked");
  return visit(context, [&](const Visit& with) { return remove(with, key, yes); });
}

// ---- search -------------------------------------------------------------------------------------

std::string label_of(const json& found) {
  const json& name = found.value("session_name", json());
  return one_line(name.is_string() ? name.get<std::string>()
                                   : found.value("session_id", std::string()));
}

void print_found(const json& data) {
  Table table;
  table.add_row({"SESSION", "MESSAGE", "TEXT"});
  for (const json& found : data)
    table.add_row({label_of(found), std::to_string(found.value("number", std::uint64_t{0})),
                   one_line(found.value("snippet", std::string()))});
  std::cout << table.text();
}

Result<void> search(const Visit& with, const std::vector<std::string>& words, std::size_t limit,
                    bool as_json) {
  std::string all;
  for (const std::string& word : words) all += (all.empty() ? "" : " ") + word;
  TRY(const json page, with.directory.search(with.call, all, limit));
  const json& data = page["data"];
  if (as_json) {
    std::cout << dumped(data, 2) << "\n";
  } else if (data.empty()) {
    std::cerr << "hearth: nothing was found\n";
  } else {
    print_found(data);
    if (page.value("has_more", false)) std::cerr << "hearth: there is more; see --limit\n";
  }
  return ok();
}

// ---- command line -------------------------------------------------------------------------------

struct Options {
  std::string key;
  std::string format = "json";
  std::vector<std::string> words{};
  std::size_t limit = 20;
  bool as_json = false, yes = false;
};

void add_key(CLI::App& command, Options& options) {
  command.add_option("session", options.key, "Its name or its id")
      ->required()
      ->type_name("SESSION");
}

void add_reading(CLI::App& group, Context& context, const std::shared_ptr<Options>& options) {
  add_command(group, context, "list", "All sessions", kListFooter, [&context, options] {
    return visit(context, [&](const Visit& with) { return list(with, options->as_json); });
  })->add_flag("--json", options->as_json, "A JSON array");
  CLI::App* const shown = add_command(
      group, context, "show", "What was said, for people", kShowFooter, [&context, options] {
        return visit(context, [&](const Visit& with) { return show(with, options->key); });
      });
  add_key(*shown, *options);
  CLI::App* const exported = add_command(group, context, "export", "What was said, for programs",
                                         kExportFooter, [&context, options] {
                                           return visit(context, [&](const Visit& with) {
                                             return write_out(with, options->key, options->format);
                                           });
                                         });
  add_key(*exported, *options);
  exported->add_option("--format,-f", options->format, "json, jsonl or markdown")
      ->check(CLI::IsMember({"json", "jsonl", "markdown"}).description(""))
      ->type_name("FORMAT");
}

void add_deleting(CLI::App& group, Context& context, const std::shared_ptr<Options>& options) {
  CLI::App* const deleted =
      add_command(group, context, "delete", "Forget a session for good", kDeleteFooter,
                  [&context, options] { return delete_one(context, options->key, options->yes); });
  add_key(*deleted, *options);
  deleted->add_flag("--yes,-y", options->yes, "Do not ask");
}

void add_searching(CLI::App& group, Context& context, const std::shared_ptr<Options>& options) {
  CLI::App* const searched = add_command(
      group, context, "search", "Find what was said", kSearchFooter, [&context, options] {
        return visit(context, [&](const Visit& with) {
          return search(with, options->words, options->limit, options->as_json);
        });
      });
  searched->add_option("words", options->words, "What to look for")->required()->type_name("WORD");
  searched->add_option("--limit,-n", options->limit, "Most messages to show (20)")
      ->check(CLI::Range(std::size_t{1}, kFoundMax).description(""))
      ->type_name("1..50");
  searched->add_flag("--json", options->as_json, "A JSON array");
}

}  // namespace

void add_sessions_command(CLI::App& root, Context& context) {
  const auto options = std::make_shared<Options>();
  CLI::App* const group =
      root.add_subcommand("sessions", "List, show, export, delete and search conversations");
  group->footer(kFooter);
  group->require_subcommand(1);
  group->fallthrough();
  add_reading(*group, context, options);
  add_deleting(*group, context, options);
  add_searching(*group, context, options);
}

}  // namespace hearth::cli
