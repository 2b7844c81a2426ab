#include <unistd.h>

#include <filesystem>
#include <iostream>
#include <memory>

#include "cli/ask/daemon_client.h"
#include "cli/chat/passing_dialogue.h"
#include "cli/chat/session_dialogue.h"
#include "cli/context.h"
#include "cli/daemon_start.h"
#include "cli/terminal/interrupt.h"
#include "cli/terminal/line_editor.h"
#include "cli/terminal/quiet_input.h"
#include "cli/terminal/style.h"

namespace hearth::cli {
namespace {

constexpr const char* kFooter =
    R"(Each line is a message. Ctrl-C stops the answer, Ctrl-D leaves. Lines that start with
"/" are commands; /help lists them. A daemon is started if none runs, and goes on
running afterwards (`hearth stop`). When standard input is no terminal, each of its
lines is a message and only the answers are printed.

A chat is not remembered, unless --session or --continue is given: then the daemon
keeps it, and it goes on where it was, also after a restart. In a session /clear
begins a new one (work, work-2, work-3 ...), --system counts for the first message
only, and Ctrl-C stops everything that the session does. A message is asked once: when
the daemon dies in the middle, it answers as soon as it is back. `hearth sessions`
lists, shows, searches and deletes them.

Examples:
  hearth chat
  hearth chat --session work
  hearth chat --continue
  hearth chat --system "You answer in rhymes."
  printf 'My name is Ada.\nWhat is my name?\n' | hearth chat

Exit status: 0 left, 1 no daemon could be started or reached, 2 wrong settings.)";

constexpr Millis kModelLoadMax{600'000};
constexpr Millis kAnswerExtra{60'000};  // for the daemon's queue, beyond its longest answer

constexpr Millis kOpenMax{30'000}, kClearMax{30'000};

struct Options {
  std::string system;
  std::string session;
  bool names_session = false, continues = false;
};

/// One conversation on this terminal.
class Chat {
 public:
  Chat(std::unique_ptr<Dialogue> dialogue, const config::Config& config)
      : dialogue_(std::move(dialogue)), config_(config) {}

  void greet(const Call& call, const std::string& model, const std::string& url) const;
  void tell(const std::string& note) const;
  /// Until the end of the input; the exit status.
  int talk();

 private:
  /// False when the person wants to leave.
  bool obey(const std::string& command);
  bool answer(const std::string& text);
  void clear();
  void show_help() const;

  const std::unique_ptr<Dialogue> dialogue_;
  const config::Config& config_;
  const bool interactive_ = is_terminal(STDIN_FILENO) && is_terminal(STDOUT_FILENO);
  const Style style_ = Style::of(STDOUT_FILENO);
};

void Chat::tell(const std::string& note) const {
  if (interactive_) {
    std::cout << style_.dim(note) << std::endl;
  } else {
    std::cerr << "hearth: " << note << std::endl;
  }
}

void Chat::greet(const Call& call, const std::string& model, const std::string& url) const {
  if (!interactive_) return;
  std::cout << style_.bold("Hearth " HEARTH_VERSION) << " with " << model << " at " << url
            << ". /help lists commands, Ctrl-D leaves." << std::endl;
  tell(printable(dialogue_->about()));
  for (const std::string& line : dialogue_->recall(call)) tell(line);
}

int Chat::talk() {
  LineEditor editor(config_.data_dir + "/chat_history");
  bool failed = false;
  for (;;) {
    const LineEditor::Input input = editor.read("> ");
    if (input.outcome == LineEditor::Outcome::End) break;
    if (input.outcome == LineEditor::Outcome::TooLong) tell("that line is too long");
    if (input.outcome != LineEditor::Outcome::Line) continue;
    if (input.text.find_first_not_of(" \t") == std::string::npos) continue;
    if (!input.text.starts_with('/')) {
      failed = !answer(input.text) || failed;
    } else if (!obey(input.text)) {
      return kDone;
    }
  }
  if (interactive_) std::cout << std::endl;
  return failed && !interactive_ ? kFailed : kDone;
}

bool Chat::obey(const std::string& command) {
  if (command == "/quit" || command == "/exit") return false;
  if (command == "/clear") {
    clear();
  } else if (command == "/help") {
    show_help();
  } else {
    tell("unknown command " + printable(command) + "; /help lists them");
  }
  return true;
}

void Chat::show_help() const {
  std::cout << "/help   this list\n"
               "/clear  "
            << dialogue_->about_clear()
            << "\n/quit   leave (also Ctrl-D)\n"
               "Ctrl-C  stop the answer\n"
            << printable(dialogue_->about()) << std::endl;
}

void Chat::clear() {
  const Interrupt interrupt;
  const auto cleared = dialogue_->clear(Call::within(kClearMax, interrupt.token()));
  tell(printable(cleared.ok() ? cleared.value() : cleared.error().message));
}

bool Chat::answer(const std::string& text) {
  const Interrupt interrupt;
  const QuietInput quiet;
  const Call call = Call::within(config_.model.request_timeout + kAnswerExtra, interrupt.token());
  bool at_line_start = true;
  const auto end_line = [&] {
    if (!at_line_start) std::cout << std::endl;
    at_line_start = true;
  };
  const auto reply = dialogue_->ask(
      call, text,
      {.on_text =
           [&](std::string_view piece) {
             std::cout << (interactive_ ? printable(piece) : std::string(piece)) << std::flush;
             at_line_start = piece.ends_with('\n');
           },
       .on_note =
           [&](const std::string& note) {
             end_line();
             tell(note);
           }});
  end_line();
  if (interrupt.signal() != 0) {
    tell("(stopped)");
  } else if (!reply.ok()) {
    std::cerr << "hearth: " << printable(reply.error().message) << std::endl;
  } else if (reply.value().finish_reason == "length") {
    tell("(the answer was cut: the context is full)");
  }
  return reply.ok();
}

/// Waiting for the model can be interrupted; the daemon goes on loading it.
Result<DaemonClient::Offer> ready_offer(const DaemonClient& client, std::stop_token stop) {
  const Call call = Call::within(kModelLoadMax, std::move(stop));
  TRY_VOID(wait_until_ready(call, client));
  return client.offer(call);
}

void warn_about_other_model(const config::Config& config, const DaemonClient::Offer& offer) {
  const std::string wanted = std::filesystem::path(config.model.path).stem();
  if (wanted.empty() || offer.name.find(wanted) != std::string::npos || !config.model.name.empty())
    return;
  std::cerr << "hearth: the running daemon has " << offer.name << "; to use " << wanted
            << ", end it first with: hearth stop\n";
}

/// Where the chat's messages go.
Result<std::unique_ptr<Dialogue>> open_dialogue(const Call& call, const Context& context,
                                                const config::Loaded& loaded,
                                                const Options& options, const DaemonClient& client,
                                                const std::string& model) {
  if (!options.names_session && !options.continues)
    return std::unique_ptr<Dialogue>(
        std::make_unique<PassingDialogue>(client, model, options.system));
  SessionDialogue::Start start{.session = options.session, .system = options.system};
  if (options.continues) {
    TRY(start.session, session_to_continue(call, client));
  }
  TRY(start.has_begun, has_begun(call, client, start.session));
  if (start.has_begun && !start.system.empty())
    std::cerr << "hearth: " << printable(late_instructions(start.session)) << std::endl;
  return std::unique_ptr<Dialogue>(
      std::make_unique<SessionDialogue>(context, loaded, client, std::move(start)));
}

int chat(const Context& context, const Options& options) {
  if (options.names_session && options.session.empty())
    return fail_usage("--session: a name is required");
  const auto loaded = load_settings(context);
  if (!loaded.ok()) return fail_usage(loaded.error().message);
  const config::Config& config = loaded.value().config;
  auto interrupt = std::make_unique<Interrupt>();
  const auto daemon =
      start_daemon(Call::within(kDaemonStartMax, interrupt->token()), context, loaded.value());
  if (interrupt->signal() != 0) return interrupt->exit_status();
  if (!daemon.ok()) return fail(daemon.error());
  const DaemonClient client(daemon.value(), config);
  const auto offer = ready_offer(client, interrupt->token());
  if (interrupt->signal() != 0) return interrupt->exit_status();
  if (!offer.ok()) return fail(offer.error());
  if (context.overrides.model_path) warn_about_other_model(config, offer.value());
  const Call call = Call::within(kOpenMax, interrupt->token());
  auto dialogue = open_dialogue(call, context, loaded.value(), options, client, offer.value().name);
  if (interrupt->signal() != 0) return interrupt->exit_status();
  if (!dialogue.ok()) return fail(dialogue.error());
  Chat conversation(std::move(dialogue).value(), config);
  conversation.greet(call, offer.value().name, daemon.value().url());
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
  add_model_option(*command, context);
  add_listen_options(*command, context);
}

}  // namespace hearth::cli
