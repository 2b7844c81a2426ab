#include "cli/chat/session_dialogue.h"

#include "cli/daemon_start.h"
#include "cli/model_choice.h"
#include "cli/sessions/directory.h"
#include "cli/sessions/message_text.h"
#include "store/sessions.h"

namespace hearth::cli {
namespace {

constexpr std::size_t kRecalled = 2;  // messages
constexpr const char* kNewName = "chat";

}  // namespace

SessionDialogue::SessionDialogue(const Context& context, const config::Loaded& loaded,
                                 DaemonClient client, Start start)
    : context_(context),
      loaded_(loaded),
      talk_(std::move(client), loaded.config),
      wanted_(std::move(start.model)),
      session_(std::move(start.session)),
      system_(std::move(start.system)),
      has_begun_(start.has_begun) {}

/// The daemon may be another one than at the last message, or none.
Result<void> SessionDialogue::connect(const Call& call) {
  TRY(const auto running, app::find_daemon(loaded_.config.data_dir));
  if (running && running->port != 0 && running->pid == pid_) return ok();
  TRY(const auto daemon, start_daemon(call.at_most(kDaemonStartMax), context_, loaded_));
  talk_.use(DaemonClient(daemon, loaded_.config));
  TRY_VOID(wait_until_ready(call, talk_.client()));
  TRY(model_, model_to_ask(call, talk_.client(), wanted_));
  pid_ = daemon.pid;
  return ok();
}

Result<Reply> SessionDialogue::ask(const Call& call, const std::string& text, const Show& show) {
  TRY_VOID(connect(call));
  Question question{.session = session_};
  if (!system_.empty() && !has_begun_) {
    // Asked again: a first message whose answer never came may have been taken.
    TRY(has_begun_, cli::has_begun(call, talk_.client(), session_));
    if (!has_begun_) question.messages.push_back(said(chat::Role::System, system_));
  }
  question.messages.push_back(said(chat::Role::User, text));
  auto reply = talk_.ask(call, model_, std::move(question), show);
  if (reply.ok()) has_begun_ = true;
  return reply;
}

Result<std::string> SessionDialogue::clear(const Call& call) {
  TRY_VOID(connect(call));
  const bool unnamed = session_.starts_with(store::Sessions::kIdPrefix);
  const std::string before = std::move(session_);
  auto name = Directory(talk_.client()).free_name(call, unnamed ? kNewName : before);
  session_ = name.ok() ? name.value() : before;
  if (!name.ok()) return std::move(name).error();
  has_begun_ = false;
  return "a new session begins: " + session_ + " (`hearth chat --session " + before +
         "` goes back)";
}

Result<std::vector<Approval>> SessionDialogue::waiting(const Call& call) {
  TRY_VOID(connect(call));
  const Directory directory(talk_.client());
  TRY(const auto found, directory.find(call, session_));
  if (!found) return std::vector<Approval>();
  return directory.approvals(call, found->id);
}

Result<Reply> SessionDialogue::decide(const Call& call, const Approval& approval,
                                      const Answer& answer, const Show& show) {
  TRY_VOID(connect(call));
  return talk_.decide(call, approval, answer, show);
}

std::string SessionDialogue::about() const {
  return has_begun_ ? "The session " + session_ + " goes on."
                    : "A new session, " + session_ + ", is remembered.";
}

std::vector<std::string> SessionDialogue::recall(const Call& call) const {
  std::vector<std::string> lines;
  const Directory directory(talk_.client());
  const auto found = directory.find(call, session_);
  if (!found.ok() || !found.value()) return lines;
  const auto last = directory.last_messages(call, found.value()->id, kRecalled);
  if (!last.ok()) return lines;
  for (const auto& message : last.value()) lines.push_back(recall_text(message));
  return lines;
}

Result<std::string> session_to_continue(const Call& call, const DaemonClient& client) {
  const Directory directory(client);
  TRY(const auto latest, directory.latest(call));
  return latest ? Result<std::string>(latest->label()) : directory.free_name(call, kNewName);
}

Result<std::string> new_session(const Call& call, const DaemonClient& client) {
  return Directory(client).free_name(call, kNewName);
}

}  // namespace hearth::cli
