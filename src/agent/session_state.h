#pragma once
#include <cstdint>
#include <optional>

namespace hearth::agent {

/// What a session is doing. Idle also while messages wait whose turn has not begun.
enum class State : std::uint8_t { Idle, Thinking, Acting, Waiting };
enum class Event : std::uint8_t {
  Message,         // a turn begins or goes on after a restart
  ToolsWanted,     // the model called tools of ours
  ToolsDone,       // their results are there
  ApprovalNeeded,  // somebody has to say yes first: the turn is parked in the store
  Decided,         // that was answered, or nobody will answer any more
  Answered,        // the turn has ended well; also with calls that the client runs
  Failed           // or not
};

struct Step {
  State from;
  Event on;
  State to;
};

/// The whole life of a session.
inline constexpr Step kSteps[] = {
    {State::Idle, Event::Message, State::Thinking},
    {State::Thinking, Event::ToolsWanted, State::Acting},
    {State::Thinking, Event::Answered, State::Idle},
    {State::Thinking, Event::Failed, State::Idle},
    {State::Acting, Event::ToolsDone, State::Thinking},
    {State::Acting, Event::ApprovalNeeded, State::Waiting},
    {State::Acting, Event::Answered, State::Idle},
    {State::Acting, Event::Failed, State::Idle},
    {State::Waiting, Event::Decided, State::Thinking},
};

/// The next state, or nullopt when the event makes no sense here.
constexpr std::optional<State> next(State from, Event on) {
  for (const Step& step : kSteps)
    if (step.from == from && step.on == on) return step.to;
  return std::nullopt;
}

static_assert(next(State::Idle, Event::Message) == State::Thinking);
static_assert(!next(State::Idle, Event::ToolsDone));

/// "idle", "thinking", "acting", "waiting".
constexpr const char* state_name(State state) {
  constexpr const char* kNames[] = {"idle", "thinking", "acting", "waiting"};
  return kNames[static_cast<std::size_t>(state)];
}

}  // namespace hearth::agent
