#include "cli/chat/passing_dialogue.h"

namespace hearth::cli {

Result<Reply> PassingDialogue::ask(const Call& call, const std::string& text, const Show& show) {
  conversation_.add_user(text);
  std::string shown;
  const Show and_kept{.on_text =
                          [&](std::string_view piece) {
                            shown += piece;
                            show.on_text(piece);
                          },
                      .on_note = show.on_note};
  auto reply = ask_until_it_fits(call, and_kept);
  // What was shown was said, even if it was stopped half way.
  if (reply.ok() || !shown.empty()) {
    conversation_.add_assistant(shown);
  } else {
    conversation_.drop_unanswered();
  }
  return reply;
}

Result<Reply> PassingDialogue::ask_until_it_fits(const Call& call, const Show& show) {
  std::size_t forgotten = 0;
  for (;;) {
    const Question question{.messages = conversation_.messages()};
    auto reply = client_.ask(call, model_, question, show.on_text);
    const bool full =
        !reply.ok() && reply.error().code == Code::TooLarge && reply.error().field == "messages";
    if (!full || !conversation_.drop_oldest_turn()) return reply;
    if (++forgotten == 1) show.on_note("(the context is full: the oldest messages are forgotten)");
  }
}

Result<std::string> PassingDialogue::clear(const Call&) {
  conversation_.clear();
  return std::string("forgotten");
}

std::string PassingDialogue::about() const {
  return "This chat is not remembered and uses no tools.";
}

}  // namespace hearth::cli
