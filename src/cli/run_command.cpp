#include <unistd.h>

#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "app/daemon.h"
#include "app/oneshot.h"
#include "cli/approvals/approval_text.h"
#include "cli/ask/daemon_client.h"
#include "cli/ask/local.h"
#include "cli/ask/prompt_input.h"
#include "cli/context.h"
#include "cli/daemon_start.h"
#include "cli/model_choice.h"
#include "cli/sessions/talk.h"
#include "cli/terminal/interrupt.h"
#include "cli/terminal/progress.h"
#include "cli/terminal/style.h"
#include "cli/workspace/tools_text.h"
#include "cli/workspace/workspace_choice.h"

namespace hearth::cli {
namespace {

constexpr const char* kFooter =
    R"(The prompt is taken from the arguments and from standard input, when that is no
terminal; given both, the input follows the arguments. A running daemon of the data
directory answers, unless --model names a file; without one, the model is loaded for
this answer. --model with what is no file asks the daemon, which is started if none
runs, for its model of that name (`hearth models`): one of the pool, PROVIDER/MODEL, or
auto, local, operational, tactical or strategic, which choose. Ctrl-C stops the answer.

With --session the daemon remembers the question and the answer, and what was said
before counts; it is started if none runs. --system then counts for the first message
only. A question is asked once: when the daemon dies in the middle and is back within 5
seconds, the answer goes on.

In a session the model has tools: the folder that the daemon is started in is its
workspace, and it asks before it changes something. Nobody is asked here: the question
goes to standard error with the commands that answer it, and the exit status is 3.

Examples:
  hearth run "What is the capital of Italy?"
  hearth run --model ~/models/qwen.gguf --max-tokens 200 "Tell me a story"
  hearth run --model anthropic/claude-haiku-4-5 "Tell me a story"
  git diff | hearth run "Describe this change in one sentence:"
  hearth run --json "2 + 3 = ?" | jq -r .answer
  hearth run --session work "My name is Ada."
  hearth run --session work "What is my name?"

Exit status: 0 answered, 1 failed, 2 no prompt or wrong settings, 3 a tool waits for a
decision (see `hearth approvals`), 130 interrupted.)";

constexpr Millis kDaemonExtra{60'000};  // for its queue, beyond the longest answer

struct Options {
  std::vector<std::string> words;
  std::string system;
  std::string model{};  // that the daemon is asked for; empty: its default one, or a file
  Question question;
  bool names_session = false, as_json = false;
};

/// Shows the answer's text as it comes, unless all of it is wanted as JSON at the end.
class Output {
 public:
  Output(bool as_json, Progress& progress) : as_json_(as_json), progress_(progress) {}

  void add(std::string_view text) {
    progress_.clear();
    if (as_json_) return;
    std::cout << (safe_ ? printable(text) : std::string(text)) << std::flush;
    at_line_start_ = text.ends_with('\n');
  }
  void end_line() {
    progress_.clear();
    if (!as_json_ && !at_line_start_) std::cout << std::endl;
    at_line_start_ = true;
  }

 private:
  const bool as_json_;
  const bool safe_ = is_terminal(STDOUT_FILENO);
  bool at_line_start_ = true;
  Progress& progress_;
};

nlohmann::ordered_json to_json(const Reply& reply) {
  nlohmann::ordered_json out;
  if (!reply.session_id.empty()) out["session_id"] = reply.session_id;
  out.update({{"model", reply.model},
              {"answer", reply.text},
              {"finish_reason", reply.finish_reason},
              {"usage",
               {{"prompt_tokens", reply.usage.prompt_tokens},
                {"cached_tokens", reply.usage.cached_tokens},
                {"completion_tokens", reply.usage.completion_tokens}}},
              {"timings",
               {{"prompt_ms", reply.timings.prompt_ms},
                {"predicted_ms", reply.timings.predicted_ms},
                {"queued_ms", reply.timings.queued_ms}}}});
  for (const Approval& approval : reply.approvals) out["approvals"].push_back(approval.json);
  return out;
}

std::string dumped(const nlohmann::ordered_json& value) {
  return value.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

Result<Reply> ask_daemon(const Call& call, const app::DaemonInfo& daemon,
                         const config::Config& config, const Options& options,
                         const OnText& on_text) {
  const DaemonClient client(daemon, config);
  TRY_VOID(wait_until_ready(call, client));
  TRY(const std::string model, model_to_ask(call, client, options.model));
  return client.ask(call, model, options.question, on_text);
}

Result<Reply> ask_here(const Call& call, const config::Config& config, const Question& question,
                       Progress& progress, const OnText& on_text) {
  metrics::Registry metrics;
  TRY(const auto model, app::open_oneshot(call, config, metrics, [&](const std::string& state) {
        progress.show(state, fraction_in(state));
      }));
  return ask_model(call, *model, question, on_text);
}

void note(const std::string& text) { std::cerr << "hearth: " << printable(text) << std::endl; }

/// Asks in the session that the options name, with the instructions if it begins with this.
Result<Reply> ask_in_session(const Call& call, const Opening& opening, const Options& options,
                             Output& output) {
  const config::Loaded& loaded = opening.loaded;
  TRY(const auto daemon, start_daemon(call.at_most(kDaemonStartMax), opening.context, loaded));
  Talk talk(DaemonClient(daemon, loaded.config), loaded.config);
  TRY_VOID(wait_until_ready(call, talk.client()));
  TRY(const ToolsFacts tools, tools_of(call, talk.client()));
  if (!is_as_asked(tools, opening) || lacks_tools(tools, opening))
    note(tools_sentence(tools, opening));
  TRY(const std::string model, model_to_ask(call, talk.client(), options.model));
  Question question = options.question;
  if (!options.system.empty()) {
    TRY(const bool begun, has_begun(call, talk.client(), question.session));
    if (begun) note(late_instructions(question.session));
    if (begun) question.messages.erase(question.messages.begin());
  }
  return talk.ask(call, model, std::move(question),
                  {.on_text = [&](std::string_view text) { output.add(text); },
                   .on_note =
                       [&](const std::string& text) {
                         output.end_line();
                         note(text);
                       }});
}

/// The daemon to ask, if one runs and may be asked; for a model of its own one is started. Errors:
/// start_daemon()'s.
Result<std::optional<app::DaemonInfo>> daemon_to_ask(const Call& call, const Opening& opening,
                                                     const Options& options) {
  if (!options.model.empty()) {
    TRY(app::DaemonInfo started,
        start_daemon(call.at_most(kDaemonStartMax), opening.context, opening.loaded));
    return std::optional(std::move(started));
  }
  if (opening.context.overrides.model_path) return std::optional<app::DaemonInfo>();
  auto found = app::find_daemon(opening.loaded.config.data_dir);
  if (!found.ok() || !found.value() || found.value()->port == 0)
    return std::optional<app::DaemonInfo>();
  return found;
}

Result<Reply> answer(const Opening& opening, const std::stop_token& stop, const Options& options) {
  const config::Config& config = opening.loaded.config;
  Progress progress;
  Output output(options.as_json, progress);
  const OnText on_text = [&](std::string_view text) { output.add(text); };
  const Millis longest = std::max(config.model.request_timeout, config.agent.turn_timeout);
  const Call call = Call::within(longest + kDaemonExtra, stop);
  const auto ask = [&]() -> Result<Reply> {
    if (options.names_session) return ask_in_session(call, opening, options, output);
    TRY(const auto daemon, daemon_to_ask(call, opening, options));
    if (daemon) return ask_daemon(call, *daemon, config, options, on_text);
    return ask_here(call, config, options.question, progress, on_text);
  };
  auto reply = ask();
  output.end_line();
  return reply;
}

/// What the command line cannot mean; empty if it is fine.
std::string problem_with(const Context& context, const Options& options) {
  if (!options.names_session)
    return context.overrides.workspace ? "--workspace and --no-tools need --session: without one "
                                         "there are no tools"
                                       : "";
  if (options.question.session.empty()) return "--session: a name is required";
  if (context.overrides.model_path)
    return "--session does not go with a model's file: a session is answered by the daemon, with "
           "one of the models that it has";
  return "";
}

int run(Context context, Options& options) {
  options.model = take_model_name(context.overrides);
  if (const auto problem = problem_with(context, options); !problem.empty())
    return fail_usage(problem);
  const auto opened = options.names_session ? open_here(context) : open_nothing(context);
  if (!opened.ok()) return fail_usage(opened.error().message);
  const auto prompt = read_prompt(options.words, STDIN_FILENO);
  if (!prompt.ok()) return fail_usage(prompt.error().message);
  if (!options.system.empty())
    options.question.messages.push_back(said(chat::Role::System, options.system));
  options.question.messages.push_back(said(chat::Role::User, prompt.value()));

  const Interrupt interrupt;
  const auto reply = answer(opened.value(), interrupt.token(), options);
  if (interrupt.signal() != 0) return interrupt.exit_status();
  if (!reply.ok()) return fail(reply.error());
  if (options.as_json) std::cout << dumped(to_json(reply.value())) << "\n";
  for (const std::string& note : reply.value().notes)
    std::cerr << "hearth: " << printable(note) << "\n";
  for (const Approval& approval : reply.value().approvals)
    std::cerr << notice_text(approval, data_option(context), Style::of(STDERR_FILENO));
  return reply.value().approvals.empty() ? kDone : kWaiting;
}

}  // namespace

void add_run_command(CLI::App& root, Context& context) {
  const auto options = std::make_shared<Options>();
  CLI::App* const command = add_command(root, context, "run", "Answer one prompt", kFooter,
                                        [&context, options] { return run(context, *options); });
  command->add_option("prompt", options->words,
                      "What to answer; several words are joined by spaces");
  add_model_or_name_option(*command, context);
  add_workspace_options(*command, context);
  command->add_option("--system,-s", options->system, "Instructions that precede the prompt")
      ->type_name("TEXT");
  command
      ->add_option_function<std::string>(
          "--session",
          [options](const std::string& name) {
            options->question.session = name;
            options->names_session = true;
          },
          "Ask in this session, which is remembered; a new name begins one")
      ->type_name("NAME");
  command->add_option("--max-tokens,-n", options->question.tokens_max, "Longest answer, in tokens")
      ->check(CLI::Range(1, 1'048'576).description(""))
      ->type_name("N");
  command
      ->add_option("--temperature,-t", options->question.temperature,
                   "How freely words are chosen (Ember: 0, the likeliest; else 0.7)")
      ->check(CLI::Range(0.0, 2.0).description(""))
      ->type_name("0..2");
  command->add_option("--seed", options->question.seed, "Makes a free choice repeatable")
      ->type_name("N");
  command->add_flag("--json", options->as_json,
                    "One JSON object: answer, usage, timings, model, session_id");
}

}  // namespace hearth::cli
