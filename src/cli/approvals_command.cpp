#include <unistd.h>

#include <iostream>
#include <map>
#include <memory>

#include "cli/approvals/approval_text.h"
#include "cli/context.h"
#include "cli/sessions/directory.h"
#include "cli/sessions/message_text.h"
#include "cli/sessions/talk.h"
#include "cli/sessions/visit.h"
#include "cli/terminal/table.h"
#include "policy/scope.h"

namespace hearth::cli {
namespace {

using json = nlohmann::ordered_json;

constexpr const char* kFooter =
    R"(A tool that writes, runs or sends waits until somebody allows the call. `hearth chat`
asks at once; what it left open, and what other programs' sessions ask, is answered
here. A daemon is started if none runs, with the current folder open to tools.

Examples:
  hearth approvals list
  hearth approvals show appr_0123456789abcdefghijklmn
  hearth approvals allow appr_0123456789abcdefghijklmn
  hearth approvals deny appr_0123456789abcdefghijklmn

`hearth approvals COMMAND --help` explains each.)";

constexpr const char* kListFooter = R"(The one that waits longest comes first.

Examples:
  hearth approvals list
  hearth approvals list --json | jq -r '.[].id'

Exit status: 0 listed, 1 no daemon could be started or reached, 2 wrong settings.)";

constexpr const char* kShowFooter = R"(The exact call, and for writes the diff.

Example:
  hearth approvals show appr_0123456789abcdefghijklmn

Exit status: 0 shown, 1 there is no such question, or no daemon, 2 wrong settings.)";

constexpr const char* kAllowFooter =
    R"(The turn that waited goes on, and the rest of its answer is printed. With --scope
session or always the answer is kept as a rule for this very target, or with --pattern
alike for what is like it; `hearth approvals show` tells the patterns. With --for the
rule ends after that time. What hearth.toml asks for is asked each time, so there an
answer holds once.

Examples:
  hearth approvals allow appr_0123456789abcdefghijklmn
  hearth approvals allow appr_0123456789abcdefghijklmn --scope always --pattern alike
  hearth approvals allow appr_0123456789abcdefghijklmn --pattern alike --for 30m

Exit status: 0 answered, 1 failed, 2 wrong command line or settings, 3 the turn waits for
another decision.)";

constexpr const char* kDenyFooter =
    R"(The model is told so, the turn goes on, and the rest of its answer is printed.

Examples:
  hearth approvals deny appr_0123456789abcdefghijklmn
  hearth approvals deny appr_0123456789abcdefghijklmn --scope always

Exit status: 0 answered, 1 failed, 2 wrong command line or settings, 3 the turn waits for
another decision.)";

constexpr Millis kAnswerExtra{60'000};  // for the daemon's queue, beyond the longest turn

struct Options {
  std::string id{};
  std::string scope{};  // empty: once, or always if it holds for a time
  std::string pattern = "this";
  std::string holds{};
  bool as_json = false;
};

/// What a subcommand asks, and until when.
struct Asking {
  const Call& call;
  const config::Config& config;
  const DaemonClient& client;
  std::string data{};  // option of commands that a person is told
};

/// Runs `work` with the daemon's approvals. A daemon without a folder knows of none.
template <class Work>
int visit_approvals(const Context& context, Millis budget, Work&& work) {
  return with_daemon(
      context, budget,
      [&](const Call& call, const config::Config& config,
          const DaemonClient& client) -> Result<int> {
        return work(Asking{call, config, client, data_option(context)});
      },
      Opens::Here);
}

/// Errors: NotFound.
Result<Approval> find(const Asking& with, const std::string& id) {
  TRY(const auto all, Directory(with.client).approvals(with.call));
  for (const Approval& approval : all)
    if (approval.id == id) return approval;
  return Error{Code::NotFound,
               "nothing called '" + id + "' waits; `hearth approvals list` shows what does"};
}

Result<int> list(const Asking& with, bool as_json) {
  const Directory directory(with.client);
  TRY(const auto all, directory.approvals(with.call));
  if (as_json) {
    json out = json::array();
    for (const Approval& approval : all) out.push_back(approval.json);
    std::cout << dumped(out, 2) << "\n";
    return kDone;
  }
  if (all.empty()) {
    std::cerr << "hearth: nothing waits for a decision\n";
    return kDone;
  }
  std::map<std::string, std::string> names;
  TRY(const auto sessions, directory.list(with.call));
  for (const SessionFacts& session : sessions) names[session.id] = session.label();
  Table table;
  table.add_row({"ID", "SESSION", "UNTIL", "TOOL", "TARGET"});
  for (const Approval& approval : all)
    table.add_row({one_line(approval.id), one_line(names[approval.session_id]),
                   time_text(approval.expires_s), one_line(approval.tool),
                   one_line(approval.target)});
  std::cout << table.text();
  return kDone;
}

Result<int> show(const Asking& with, const std::string& id) {
  TRY(const Approval approval, find(with, id));
  std::cout << notice_text(approval, with.data, Style::of(STDOUT_FILENO));
  return kDone;
}

Answer answer_of(const Options& options, bool allow) {
  Answer answer{.allow = allow, .alike = options.pattern == "alike", .holds = options.holds};
  const bool lasts = options.scope == "always" || (options.scope.empty() && !options.holds.empty());
  if (lasts) answer.scope = Answer::Scope::Always;
  if (options.scope == "session") answer.scope = Answer::Scope::Session;
  return answer;
}

/// Answers, and shows the rest of the turn.
Result<int> decide(const Asking& with, const Options& options, bool allow) {
  TRY(const Approval approval, find(with, options.id));
  TRY_VOID(wait_until_ready(with.call, with.client));
  const bool safe = is_terminal(STDOUT_FILENO);
  bool at_line_start = true;
  const auto on_text = [&](std::string_view text) {
    std::cout << (safe ? printable(text) : std::string(text)) << std::flush;
    at_line_start = text.ends_with('\n');
  };
  Talk talk(with.client, with.config);
  const auto reply = talk.decide(with.call, approval, answer_of(options, allow),
                                 {.on_text = on_text, .on_note = {}});
  if (!at_line_start) std::cout << std::endl;
  if (!reply.ok()) return reply.error();
  for (const Approval& next : reply.value().approvals)
    std::cerr << notice_text(next, with.data, Style::of(STDERR_FILENO));
  return reply.value().approvals.empty() ? kDone : kWaiting;
}

int decide_one(const Context& context, const Options& options, bool allow) {
  const auto loaded = load_settings(context);
  if (!loaded.ok()) return fail_usage(loaded.error().message);
  if (!options.holds.empty()) {
    const auto holds = policy::parse_hold(options.holds, "--for");
    if (!holds.ok()) return fail_usage(holds.error().message);
    if (options.scope == "once") return fail_usage("--for: needs --scope session or always");
  }
  const config::Config& config = loaded.value().config;
  const Millis longest = std::max(config.model.request_timeout, config.agent.turn_timeout);
  return visit_approvals(context, longest + kAnswerExtra,
                         [&](const Asking& with) { return decide(with, options, allow); });
}

// ---- command line -------------------------------------------------------------------------------

void add_id(CLI::App& command, Options& options) {
  command.add_option("id", options.id, "Which, as `hearth approvals list` shows it")
      ->required()
      ->type_name("ID");
}

void add_reading(CLI::App& group, Context& context, const std::shared_ptr<Options>& options) {
  add_command(group, context, "list", "What waits for a decision", kListFooter,
              [&context, options] {
                return visit_approvals(context, kVisitMax, [&](const Asking& with) {
                  return list(with, options->as_json);
                });
              })
      ->add_flag("--json", options->as_json, "A JSON array");
  CLI::App* const shown =
      add_command(group, context, "show", "One question, whole", kShowFooter, [&context, options] {
        return visit_approvals(context, kVisitMax,
                               [&](const Asking& with) { return show(with, options->id); });
      });
  add_id(*shown, *options);
}

void add_deciding(CLI::App& group, Context& context, const std::shared_ptr<Options>& options,
                  bool allow) {
  CLI::App* const command = add_command(
      group, context, allow ? "allow" : "deny",
      allow ? "Let a tool do it" : "Do not let a tool do it", allow ? kAllowFooter : kDenyFooter,
      [&context, options, allow] { return decide_one(context, *options, allow); });
  add_id(*command, *options);
  command->add_option("--scope", options->scope, "once (the default), session or always")
      ->check(CLI::IsMember({"once", "session", "always"}).description(""))
      ->type_name("SCOPE");
  command->add_option("--pattern", options->pattern, "this (the default) or alike")
      ->check(CLI::IsMember({"this", "alike"}).description(""))
      ->type_name("PATTERN");
  command
      ->add_option("--for", options->holds,
                   "How long the rule holds, 1s to 24h; with it, --scope is always by default")
      ->type_name("TIME");
}

}  // namespace

void add_approvals_command(CLI::App& root, Context& context) {
  const auto options = std::make_shared<Options>();
  CLI::App* const group =
      root.add_subcommand("approvals", "What tools wait to be allowed: list, show, allow, deny");
  group->footer(kFooter);
  group->require_subcommand(1);
  group->fallthrough();
  add_reading(*group, context, options);
  add_deciding(*group, context, options, true);
  add_deciding(*group, context, options, false);
}

}  // namespace hearth::cli
