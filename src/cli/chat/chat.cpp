#include "cli/chat/chat.h"

#include <termios.h>

#include <iostream>

#include "cli/approvals/approval_text.h"
#include "cli/sessions/directory.h"
#include "cli/sessions/sessions_table.h"
#include "cli/terminal/interrupt.h"
#include "cli/terminal/quiet_input.h"
#include "cli/undo/take_back.h"
#include "cli/workspace/tools_text.h"

namespace hearth::cli {
namespace {

constexpr Millis kAnswerExtra{60'000};  // for the daemon's queue, beyond its longest answer
constexpr Millis kShortMax{30'000};     // for everything that no model is asked for
constexpr std::size_t kSessionsShown = 20;

}  // namespace

Chat::Chat(std::unique_ptr<Dialogue> dialogue, const Opening& opening)
    : dialogue_(std::move(dialogue)),
      opening_(opening),
      config_(opening.loaded.config),
      editor_(config_.data_dir + "/chat_history") {}

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
  std::string about = printable(dialogue_->about());
  const auto tools = dialogue_->has_tools() ? tools_of(call, dialogue_->client())
                                            : Result<ToolsFacts>(ToolsFacts{});
  if (dialogue_->has_tools() && tools.ok()) about += " " + tools_sentence(tools.value(), opening_);
  tell(about);
  for (const std::string& line : dialogue_->recall(call)) tell(line);
}

// ---- what is typed ------------------------------------------------------------------------------

int Chat::talk() {
  bool failed = false;
  if (settle_waiting() == Went::LeftWaiting && !interactive_) return kWaiting;
  for (;;) {
    const LineEditor::Input input = editor_.read("> ");
    if (input.outcome == LineEditor::Outcome::End) break;
    if (input.outcome == LineEditor::Outcome::TooLong) tell("that line is too long");
    if (input.outcome != LineEditor::Outcome::Line) continue;
    if (input.text.find_first_not_of(" \t") == std::string::npos) continue;
    if (input.text.starts_with('/')) {
      if (!obey(input.text)) return kDone;
      continue;
    }
    const Went went = answer(input.text);
    // What comes next would wait behind the question, which nobody here can answer.
    if (went == Went::LeftWaiting && !interactive_) return kWaiting;
    failed = went == Went::Failed || failed;
  }
  if (interactive_) std::cout << std::endl;
  return failed && !interactive_ ? kFailed : kDone;
}

bool Chat::obey(const std::string& command) {
  struct Command {
    const char* name;
    void (Chat::*work)();
  };
  static constexpr Command kCommands[] = {
      {"/help", &Chat::show_help},
      {"/tools", &Chat::show_tools},
      {"/sessions", &Chat::show_sessions},
      {"/undo", &Chat::undo},
      {"/clear", &Chat::clear},
  };
  if (command == "/quit" || command == "/exit") return false;
  for (const Command& one : kCommands) {
    if (command != one.name) continue;
    (this->*one.work)();
    return true;
  }
  tell("unknown command " + printable(command) + "; /help lists them");
  return true;
}

void Chat::show_help() {
  std::cout << "/help      this list\n"
               "/tools     what the model may use, and whether it asks\n"
               "/undo      take back the last change of a file\n"
               "/sessions  the sessions used last\n"
               "/clear     "
            << dialogue_->about_clear()
            << "\n/exit      leave (also /quit and Ctrl-D)\n"
               "Ctrl-C     stop the answer; at a question: leave it waiting\n"
            << printable(dialogue_->about()) << std::endl;
}

void Chat::show_tools() {
  if (!dialogue_->has_tools()) return tell("no tools here: they need a session that is remembered");
  const Interrupt interrupt;
  const auto tools = tools_of(Call::within(kShortMax, interrupt.token()), dialogue_->client());
  if (!tools.ok()) return tell(printable(tools.error().message));
  std::cout << tools_table(tools.value(), opening_) << std::flush;
}

void Chat::show_sessions() {
  const Interrupt interrupt;
  const Directory directory(dialogue_->client());
  auto sessions = directory.list(Call::within(kShortMax, interrupt.token()));
  if (!sessions.ok()) return tell(printable(sessions.error().message));
  if (sessions.value().empty()) return tell("no sessions yet");
  std::vector<SessionFacts> shown = std::move(sessions).value();
  const bool more = shown.size() > kSessionsShown;
  if (more) shown.resize(kSessionsShown);
  std::cout << sessions_table(shown) << std::flush;
  if (more) tell("`hearth sessions list` shows all");
}

void Chat::undo() {
  if (!interactive_) return tell("/undo asks first, on a terminal: see `hearth undo`");
  const auto confirm = [this](const std::string& plan) {
    std::cout << plan << std::flush;
    const auto input = editor_.read("Take it back? [y/N] ", LineEditor::Remember::No);
    return input.outcome == LineEditor::Outcome::Line && is_yes(input.text);
  };
  const auto done = take_back(Call::within(kUndoMax), config_, {}, style_, confirm);
  tell(printable(done.ok() ? done.value() : done.error().message));
}

void Chat::clear() {
  const Interrupt interrupt;
  const auto cleared = dialogue_->clear(Call::within(kShortMax, interrupt.token()));
  tell(printable(cleared.ok() ? cleared.value() : cleared.error().message));
}

// ---- what is answered ---------------------------------------------------------------------------

Chat::Went Chat::answer(const std::string& text) {
  // A message would wait behind an open question, so that comes first.
  if (settle_waiting() == Went::LeftWaiting) {
    if (interactive_) tell("(not sent: the question comes first)");
    return Went::LeftWaiting;
  }
  return settle(exchange(
      [&](const Call& call, const Show& show) { return dialogue_->ask(call, text, show); }));
}

/// Asks what was left open before.
Chat::Went Chat::settle_waiting() {
  Result<std::vector<Approval>> waiting = std::vector<Approval>();
  {
    const Interrupt interrupt;
    waiting = dialogue_->waiting(Call::within(kShortMax, interrupt.token()));
  }
  if (!waiting.ok() || waiting.value().empty()) return Went::Answered;
  Reply reply;
  reply.approvals = std::move(waiting).value();
  return settle(std::move(reply));
}

/// Asks for what the turn waits for, until it has ended or something is left open.
Chat::Went Chat::settle(Result<Reply> reply) {
  while (reply.ok() && !reply.value().approvals.empty()) {
    const Approval approval = reply.value().approvals.front();
    const auto answer = ask_person(approval);
    if (!answer) return Went::LeftWaiting;
    reply = exchange([&](const Call& call, const Show& show) {
      return dialogue_->decide(call, approval, *answer, show);
    });
  }
  return reply.ok() ? Went::Answered : Went::Failed;
}

Result<Reply> Chat::exchange(const Exchange& exchange) const {
  const Interrupt interrupt;
  const QuietInput quiet;
  const Millis longest = std::max(config_.model.request_timeout, config_.agent.turn_timeout);
  const Call call = Call::within(longest + kAnswerExtra, interrupt.token());
  bool at_line_start = true;
  const auto end_line = [&] {
    if (!at_line_start) std::cout << std::endl;
    at_line_start = true;
  };
  auto reply = exchange(call, {.on_text =
                                   [&](std::string_view piece) {
                                     print(piece);
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
  if (reply.ok())
    for (const std::string& note : reply.value().notes) tell("(" + printable(note) + ")");
  return reply;
}

void Chat::print(std::string_view text) const {
  std::cout << (interactive_ ? printable(text) : std::string(text)) << std::flush;
}

// ---- what waits for a yes -----------------------------------------------------------------------

std::optional<Answer> Chat::ask_person(const Approval& approval) {
  if (!interactive_) {
    std::cerr << notice_text(approval, data_option(opening_.context), Style::of(STDERR_FILENO))
              << std::flush;
    return std::nullopt;
  }
  std::cout << approval_text(approval, style_) << choices_text(approval, style_) << std::flush;
  const auto answer = read_answer(approval);
  if (!answer)
    tell("left waiting; it is asked again with your next message, or see `hearth approvals show " +
         printable(approval.id) + "`");
  return answer;
}

std::optional<Answer> Chat::read_answer(const Approval& approval) {
  for (;;) {
    // What was typed before the question could be read is no answer to it.
    ::tcflush(STDIN_FILENO, TCIFLUSH);
    const auto input = editor_.read(choices_prompt(approval), LineEditor::Remember::No);
    const bool typed = input.outcome == LineEditor::Outcome::Line;
    if (!typed && input.outcome != LineEditor::Outcome::TooLong) return std::nullopt;
    if (typed)
      if (const auto answer = answer_of(input.text, approval)) return answer;
    tell("type one of the letters and Enter");
  }
}

}  // namespace hearth::cli
