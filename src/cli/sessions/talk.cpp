#include "cli/sessions/talk.h"

#include "base/random.h"
#include "cli/sessions/directory.h"
#include "cli/sessions/resumed_text.h"

namespace hearth::cli {
namespace {

constexpr Millis kCancelMax{3'000};
constexpr const char* kIdle = "idle";

/// What to do about an answer that will not come here any more.
Error gone(const Error& first, const std::string& session) {
  return {first.code,
          first.message +
              "; once a daemon runs again it answers what it had accepted: "
              "`hearth sessions show " +
              session + "`",
          first.field};
}

}  // namespace

Result<Reply> Talk::ask(const Call& call, const std::string& model, Question question,
                        const Show& show) {
  question.key = random_id("cli-");
  // The same choices again, should the turn have to be made again.
  if (!question.seed) question.seed = static_cast<std::uint32_t>(random_u64());
  std::string seen;
  auto reply = client_.ask(call, model, question, [&](std::string_view text) {
    seen += text;
    show.on_text(text);
  });
  if (!reply.ok() && !call.stop.stop_requested() && reply.error().code == Code::Unavailable) {
    auto back = wait_until_back(call, config_);
    if (back.ok()) {
      client_ = std::move(back).value();
      reply = ask_again(call, model, question, std::move(seen), show);
    } else {
      reply = gone(reply.error(), question.session);
    }
  }
  if (!reply.ok() && call.stop.stop_requested()) cancel(question);
  return reply;
}

Result<Reply> Talk::decide(const Call& call, const Approval& approval, const Answer& answer,
                           const Show& show) {
  auto reply = client_.decide(call, approval.id, answer, show.on_text);
  if (!reply.ok() && call.stop.stop_requested()) {
    const auto stopped =
        Directory(client_).cancel(Call::within(kCancelMax), approval.session_id, approval.turn);
    static_cast<void>(stopped.ok());
  } else if (!reply.ok() && reply.error().code == Code::Unavailable) {
    return gone(reply.error(), approval.session_id);
  }
  return reply;
}

Result<Reply> Talk::ask_again(const Call& call, const std::string& model, const Question& question,
                              std::string seen, const Show& show) {
  ResumedText resumed(std::move(seen));
  const auto tell = [&](const ResumedText::Step& step) {
    if (step.differs) show.on_note("(the daemon was restarted and answers anew)");
    if (!step.text.empty()) show.on_text(step.text);
  };
  auto reply =
      client_.ask(call, model, question, [&](std::string_view text) { tell(resumed.take(text)); });
  if (reply.ok()) tell(resumed.finish());
  return reply;
}

/// Whatever becomes of it: who pressed Ctrl-C does not wait for an explanation.
void Talk::cancel(const Question& question) const {
  const Call call = Call::within(kCancelMax);
  const Directory directory(client_);
  const auto found = directory.find(call, question.session);
  if (found.ok() && found.value())
    static_cast<void>(directory.cancel(call, found.value()->id, question.key).ok());
}

Result<bool> has_begun(const Call& call, const DaemonClient& client, const std::string& session) {
  const Directory directory(client);
  TRY(const auto found, directory.find(call, session));
  if (!found) return false;
  if (found->state != kIdle) return true;
  TRY(const auto last, directory.last_messages(call, found->id, 1));
  return !last.empty();
}

std::string late_instructions(const std::string& session) {
  return "--system is left out: the session " + session +
         " has begun already, and instructions come with the first message only";
}

}  // namespace hearth::cli
