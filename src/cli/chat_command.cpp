#include <unistd.h>

#include <filesystem>
#include <iostream>
#include <memory>

#include "cli/ask/daemon_client.h"
#include "cli/chat/chat.h"
#include "cli/chat/passing_dialogue.h"
#include "cli/chat/session_dialogue.h"
#include "cli/context.h"
#include "cli/daemon_start.h"
#include "cli/model_choice.h"
#include "cli/terminal/interrupt.h"
#include "cli/terminal/style.h"
#include "cli/workspace/workspace_choice.h"

namespace hearth::cli {
namespace {

constexpr const char* kFooter =
    R"(Each line is a message. Ctrl-C stops the answer, Ctrl-D leaves. Lines that start with
"/" are commands; /help lists them. A daemon is started if none runs, and goes on
running afterwards (`hearth stop`). When standard input is no terminal, each of its
lines is a message and only the answers are printed.

On a terminal a chat is a session (chat, chat-2 ...): the daemon remembers it, also
over a restart; --continue goes on with the one used last. With --private, and when
standard input is no terminal and no session is named, nothing is remembered and the
model has no tools. In a session /clear begins a new one, --system counts for the first
message only, and a message is asked once: when the daemon dies in the middle, it
answers as soon as it is back.

The folder that the daemon is started in is the workspace: the model may look into it,
and asks before it changes something. The question shows the exact call and the diff;
Enter denies, Ctrl-C leaves it waiting, also for `hearth approvals`. A home directory is
not opened this way. A daemon that runs already keeps its own folder. `hearth undo`
takes changes back.

--model with a file is for a daemon that is started; with what is no file it is the
name of one of the daemon's models (`hearth models`): one of the pool, PROVIDER/MODEL,
or auto, local, operational, tactical or strategic, which choose for each message.

Examples:
  hearth chat
  hearth chat --session work
  hearth chat --continue
  hearth chat --workspace ~/notes
  hearth chat --model auto
  hearth chat --system "You answer in rhymes."
  printf 'My name is Ada.\nWhat is my name?\n' | hearth chat

Exit status: 0 left, 1 no daemon could be started or reached, 2 wrong settings, 3 a
tool waits for a decision and there is no terminal to ask on.)";

constexpr Millis kModelLoadMax{600'000};
constexpr Millis kOpenMax{30'000};

struct Options {
  std::string model{};  // that the daemon is asked for; empty: its default one
  std::string system;
  std::string session;
  bool names_session = false, continues = false, is_private = false;
};

/// Waiting for the model can be interrupted; the daemon goes on loading it.
Result<std::string> ready_model(const DaemonClient& client, const std::string& wanted,
                                std::stop_token stop) {
  const Call call = Call::within(kModelLoadMax, std::move(stop));
  TRY_VOID(wait_until_ready(call, client));
  return model_to_ask(call, client, wanted);
}

void warn_about_other_model(const config::Config& config, const std::string& model) {
  const std::string wanted = std::filesystem::path(config.model.path).stem();
  if (wanted.empty() || model.find(wanted) != std::string::npos || !config.model.name.empty())
    return;
  std::cerr << "hearth: the running daemon has " << model << "; to use " << wanted
            << ", end it first with: hearth stop\n";
}

bool is_interactive() { return is_terminal(STDIN_FILENO) && is_terminal(STDOUT_FILENO); }

Result<std::string> session_of(const Call& call, const Options& options,
                               const DaemonClient& client) {
  if (options.names_session) return options.session;
  return options.continues ? session_to_continue(call, client) : new_session(call, client);
}

/// Where the chat's messages go. A program that pipes lines into a chat wants answers, not
/// sessions.
Result<std::unique_ptr<Dialogue>> open_dialogue(const Call& call, const Opening& opening,
                                                const Options& options, const DaemonClient& client,
                                                const std::string& model) {
  const bool wants_session = options.names_session || options.continues || is_interactive();
  if (options.is_private || !wants_session)
    return std::unique_ptr<Dialogue>(
        std::make_unique<PassingDialogue>(client, model, options.system));
  TRY(std::string session, session_of(call, options, client));
  SessionDialogue::Start start{.session = std::move(session),
                               .system = options.system,
                               .has_begun = false,
                               .model = options.model};
  TRY(start.has_begun, has_begun(call, client, start.session));
  if (start.has_begun && !start.system.empty())
    std::cerr << "hearth: " << printable(late_instructions(start.session)) << std::endl;
  return std::unique_ptr<Dialogue>(
      std::make_unique<SessionDialogue>(opening.context, opening.loaded, client, std::move(start)));
}

int chat(Context context, Options& options) {
  options.model = take_model_name(context.overrides);
  if (options.names_session && options.session.empty())
    return fail_usage("--session: a name is required");
  const auto opened = open_here(context);
  if (!opened.ok()) return fail_usage(opened.error().message);
  const Opening& opening = opened.value();
  const config::Config& config = opening.loaded.config;
  auto interrupt = std::make_unique<Interrupt>();
  const auto daemon = start_daemon(Call::within(kDaemonStartMax, interrupt->token()),
                                   opening.context, opening.loaded);
  if (interrupt->signal() != 0) return interrupt->exit_status();
  if (!daemon.ok()) return fail(daemon.error());
  const DaemonClient client(daemon.value(), config);
  const auto model = ready_model(client, options.model, interrupt->token());
  if (interrupt->signal() != 0) return interrupt->exit_status();
  if (!model.ok()) return fail(model.error());
  if (context.overrides.model_path) warn_about_other_model(config, model.value());
  const Call call = Call::within(kOpenMax, interrupt->token());
  auto dialogue = open_dialogue(call, opening, options, client, model.value());
  if (interrupt->signal() != 0) return interrupt->exit_status();
  if (!dialogue.ok()) return fail(dialogue.error());
  Chat conversation(std::move(dialogue).value(), opening);
  conversation.greet(call, model.value(), daemon.value().url());
  interrupt.reset();  // each answer has its own from here on
  return conversation.talk();
}

}  // namespace

void add_chat_command(CLI::App& root, Context& context) {
  const auto options = std::make_shared<Options>();
  CLI::App* const command =
      add_command(root, context, "chat", "Talk with the model in this terminal", kFooter,
                  [&context, options] { return chat(context, *options); });
  command->add_option("--system,-s", options->system, "Instructions that precede the conversation")
      ->type_name("TEXT");
  CLI::Option* const named =
      command
          ->add_option_function<std::string>(
              "--session",
              [options](const std::string& name) {
                options->session = name;
                options->names_session = true;
              },
              "Talk in this session, which is remembered; a new name begins one")
          ->type_name("NAME");
  command->add_flag("--continue,-c", options->continues, "Go on with the session used last")
      ->excludes(named);
  command->add_flag("--private", options->is_private, "Remember nothing, and use no tools")
      ->excludes("--session")
      ->excludes("--continue");
  add_model_or_name_option(*command, context);
  add_workspace_options(*command, context);
  add_listen_options(*command, context);
}

}  // namespace hearth::cli
