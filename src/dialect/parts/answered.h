#pragma once
#include <string>
#include <vector>

#include "dialect/exchange.h"

/// What whole answers of all providers share.
namespace hearth::dialect {

/// Some providers say "stop" where the answer is calls.
inline void settle(Answer& answer) {
  chat::Finished& finished = answer.finished;
  if (!answer.message.tool_calls.empty() && finished.reason == chat::FinishReason::Stop)
    finished.reason = chat::FinishReason::ToolCalls;
}

/// Names what an answer asks its reader, which no dialect but the sessions' can.
inline void lose_questions(const chat::Finished& finished, Lost& lost) {
  for (const chat::Question& question : finished.questions)
    lost.add("questions", question.id + " waits for a yes, which this dialect cannot ask for");
}

}  // namespace hearth::dialect
