#include <unistd.h>

#include <filesystem>
#include <iostream>
#include <memory>

#include "cli/ask/conversation.h"
#include "cli/ask/daemon_client.h"
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

Examples:
  hearth chat
  hearth chat --system "You answer in rhymes."
  printf 'My name is Ada.\nWhat is my name?\n' | hearth chat

Exit status: 0 left, 1 no daemon could be started or reached, 2 wrong settings.)";

constexpr const char* kHelp =
    "/help   this list\n"
    "/clear  forget what was said\n"
    "/quit   leave (also Ctrl-D)\n"
    "Ctrl-C  stop the answer\n";

constexpr Millis kModelLoadMax{600'000};
constexpr Millis kAnswerExtra{60'000};  // for the daemon's queue, beyond its longest answer

struct Options {
  std::string system;
};

/// One conversation on this terminal.
class Chat {
 public:
  Chat(DaemonClient client, DaemonClient::Offer offer, const config::Config& config,
       const std::string& system)
      : client_(std::move(client)),
        offer_(std::move(offer)),
        config_(config),
        conversation_(system) {}

  void greet(const std::string& url) const;
  /// Until the end of the input; the exit status.
  int talk();

 private:
  /// False when the person wants to leave.
  bool obey(const std::string& command);
  bool answer(const std::string& text);
  Result<Reply> ask(const Call& call, std::string& shown);
  void show(std::string_view text, std::string& shown) const;
  void tell(const std::string& note) const;

  const DaemonClient client_;
  const DaemonClient::Offer offer_;
  const config::Config& config_;
  Conversation conversation_;
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

void Chat::greet(const std::string& url) const {
  if (!interactive_) return;
  std::cout << style_.bold("Hearth " HEARTH_VERSION) << " with " << offer_.name << " at " << url
            << ". /help lists commands, Ctrl-D leaves." << std::endl;
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
    conversation_.clear();
    tell("forgotten");
  } else if (command == "/help") {
    std::cout << kHelp << std::flush;
  } else {
    tell("unknown command " + printable(command) + "; /help lists them");
  }
  return true;
}

void Chat::show(std::string_view text, std::string& shown) const {
  std::cout << (interactive_ ? printable(text) : std::string(text)) << std::flush;
  shown += text;
}

/// Asks, and while the conversation does not fit the context, forgets its oldest turn and asks
/// again.
Result<Reply> Chat::ask(const Call& call, std::string& shown) {
  std::size_t forgotten = 0;
  for (;;) {
    const Question question{.messages = conversation_.messages()};
    auto reply =
        client_.ask(call, offer_.name, question, [&](std::string_view text) { show(text, shown); });
    const bool full =
        !reply.ok() && reply.error().code == Code::TooLarge && reply.error().field == "messages";
    if (!full || !conversation_.drop_oldest_turn()) return reply;
    if (++forgotten == 1) tell("(the context is full: the oldest messages are forgotten)");
  }
}

bool Chat::answer(const std::string& text) {
  conversation_.add_user(text);
  const Interrupt interrupt;
  const QuietInput quiet;
  const Call call = Call::within(config_.model.request_timeout + kAnswerExtra, interrupt.token());
  std::string shown;
  const auto reply = ask(call, shown);
  if (!shown.empty() && shown.back() != '\n') std::cout << std::endl;
  // What was shown was said, even if it was stopped half way.
  if (reply.ok() || !shown.empty()) {
    conversation_.add_assistant(shown);
  } else {
    conversation_.drop_unanswered();
  }
  if (interrupt.signal() != 0) {
    tell("(stopped)");
  } else if (!reply.ok()) {
    std::cerr << "hearth: " << reply.error().message << std::endl;
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

int chat(const Context& context, const Options& options) {
  const auto loaded = load_settings(context);
  if (!loaded.ok()) return fail_usage(loaded.error().message);
  const config::Config& config = loaded.value().config;
  auto interrupt = std::make_unique<Interrupt>();
  const auto daemon =
      start_daemon(Call::within(kDaemonStartMax, interrupt->token()), context, loaded.value());
  if (interrupt->signal() != 0) return interrupt->exit_status();
  if (!daemon.ok()) return fail(daemon.error());
  DaemonClient client(daemon.value(), config);
  const auto offer = ready_offer(client, interrupt->token());
  if (interrupt->signal() != 0) return interrupt->exit_status();
  if (!offer.ok()) return fail(offer.error());
  if (context.overrides.model_path) warn_about_other_model(config, offer.value());
  interrupt.reset();  // each answer has its own from here on
  Chat conversation(std::move(client), offer.value(), config, options.system);
  conversation.greet(daemon.value().url());
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
  add_model_option(*command, context);
  add_listen_options(*command, context);
}

}  // namespace hearth::cli
