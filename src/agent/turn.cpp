#include "agent/turn.h"

#include <algorithm>
#include <set>

#include "base/fields.h"
#include "base/log.h"
#include "chat/message_json.h"

namespace hearth::agent {
namespace {

constexpr std::size_t kHistoryMax = 1'000;        // messages; chat::kMessagesMax with what is added
constexpr std::uint32_t kMalformedRoundsMax = 1;  // a model is told once what is wrong
constexpr std::size_t kNameBytesMax = 64;         // of a tool, where it is shown
constexpr Millis kCommitMax{10'000};  // an end is written even when the turn's own time is over

/// Templates refuse calls without results: a client that never sent them gets these.
constexpr const char* kNoResult = "(not run: the conversation went on without it)";

std::set<std::string> answered_calls(const std::vector<store::Entry>& entries) {
  std::set<std::string> ids;
  for (const auto& entry : entries)
    if (entry.message.role == chat::Role::Tool) ids.insert(entry.message.tool_call_id);
  return ids;
}

/// What is shown to the model: every call followed by a result.
std::vector<chat::Message> shown(const std::vector<store::Entry>& history) {
  const std::set<std::string> answered = answered_calls(history);
  std::vector<chat::Message> out;
  for (const auto& entry : history) {
    out.push_back(entry.message);
    for (const auto& wanted : entry.message.tool_calls) {
      if (answered.contains(wanted.id)) continue;
      out.push_back({.role = chat::Role::Tool, .content = kNoResult, .tool_call_id = wanted.id});
    }
  }
  return out;
}

/// What the model is told about a call.
const std::string& told_of(const Toolbox::Outcome& outcome) {
  const auto* malformed = std::get_if<Toolbox::Malformed>(&outcome);
  return malformed ? malformed->told : std::get<std::string>(outcome);
}

void add(chat::Usage& sum, const chat::Usage& usage) {
  sum.prompt_tokens += usage.prompt_tokens;
  sum.cached_tokens += usage.cached_tokens;
  sum.completion_tokens += usage.completion_tokens;
}

}  // namespace

Turn::Turn(const Parts& parts, store::Inbound message, Audience& audience, OnState on_state)
    : parts_(parts),
      message_(std::move(message)),
      turn_(message_.turn.value_or(0)),
      audience_(audience),
      on_state_(std::move(on_state)),
      transcript_(parts.store, parts.time),
      turns_(parts.store, parts.time) {}

Turn::Outcome Turn::run(const Call& call, const Why& why) {
  on_state_(Event::Message);
  const auto prepared = prepare(call);
  if (!prepared.ok()) return end_badly(prepared.error(), why);
  auto finished = work(call);
  if (!finished.ok()) return end_badly(finished.error(), why);
  return end_well(std::move(finished).value());
}

/// What was said before, and the message itself unless a turn that was cut off has it already.
Result<void> Turn::prepare(const Call& call) {
  TRY(options_, read_options(message_.offer.options));
  model_ = parts_.find_model(options_.model);
  if (!model_) return Error{Code::NotFound, "there is no model '" + options_.model + "'", "model"};
  TRY(wanted_, parts_.read_request(options_.request, message_.offer.owner));
  TRY_VOID(check_tools());
  TRY_VOID(read_history(call));
  const auto is_mine = [this](const store::Entry& e) { return e.turn == turn_; };
  if (std::ranges::any_of(history_, is_mine)) return ok();
  unsaved_.push_back(entry(message_.offer.message));
  for (const chat::Message& more : options_.more) unsaved_.push_back(entry(more));
  return ok();
}

/// A name must say who makes the call.
Result<void> Turn::check_tools() const {
  const auto& tools = std::get<chat::Conversation>(wanted_.prompt).tools;
  for (std::size_t i = 0; i < tools.size(); ++i) {
    if (parts_.toolbox && parts_.toolbox->has(tools[i].name))
      return field_error("tools[" + std::to_string(i) + "].function.name",
                         "'" + tools[i].name + "' is a tool of Hearth's own");
  }
  return ok();
}

/// The newest turns, whole, behind the session's instructions, which stay when others go to the
/// archive.
Result<void> Turn::read_history(const Call& call) {
  const std::string& session = message_.offer.session_id;
  TRY(history_, transcript_.read_last(call, session, kHistoryMax));
  if (!history_.empty() && history_.front().number > 0) {
    const std::uint32_t cut = history_.front().turn;
    std::erase_if(history_, [cut](const store::Entry& entry) { return entry.turn == cut; });
    TRY(auto first, transcript_.read(call, session, 0, 1));
    if (!first.empty() && first.front().message.role == chat::Role::System)
      history_.insert(history_.begin(), std::move(first.front()));
  }
  std::erase_if(history_, [](const store::Entry& entry) {
    return entry.archived && entry.message.role != chat::Role::System;
  });
  return ok();
}

/// Think and act in turns. A turn that goes on has calls whose results are missing.
Result<chat::Finished> Turn::work(const Call& call) {
  chat::Finished finished;
  for (std::uint32_t round = 0;; ++round) {
    if (!open_calls(Whose::Ours).empty()) {
      TRY(auto questions, act(call));
      finished.questions = std::move(questions);
      if (!open_calls(Whose::Clients).empty()) finished.reason = chat::FinishReason::ToolCalls;
    }
    if (!finished.questions.empty()) finished.reason = chat::FinishReason::RequiresAction;
    // What is left are the client's calls, or nothing that could go on here.
    if (!finished.questions.empty() || finished.reason == chat::FinishReason::ToolCalls)
      return finished;
    TRY(const Said said, think(call, round < parts_.rounds_max ? May::CallTools : May::Answer));
    finished = note(said);
    const auto& calls = said.message.tool_calls;
    const auto ours = [this](const chat::ToolCall& one) { return is_ours(one); };
    if (std::ranges::none_of(calls, ours)) return finished;
    if (std::ranges::all_of(calls, ours)) finished.reason = chat::FinishReason::Stop;
    TRY_VOID(save(call));
  }
}

/// Keeps what the model said.
chat::Finished Turn::note(const Said& said) {
  add(usage_, said.finished.usage);
  unsaved_.push_back(entry(said.message));
  unsaved_.back().model = model_->name();
  chat::Finished finished = said.finished;
  finished.usage = usage_;
  return finished;
}

bool Turn::is_ours(const chat::ToolCall& wanted) const {
  return parts_.toolbox && parts_.toolbox->has(wanted.name);
}

/// Calls of this turn that have no result yet.
std::vector<chat::ToolCall> Turn::open_calls(Whose whose) const {
  const std::set<std::string> answered = answered_calls(history_);
  std::vector<chat::ToolCall> open;
  for (const auto& entry : history_) {
    if (entry.turn != turn_) continue;
    for (const auto& wanted : entry.message.tool_calls)
      if (is_ours(wanted) == (whose == Whose::Ours) && !answered.contains(wanted.id))
        open.push_back(wanted);
  }
  return open;
}

/// Makes the calls that are open. Gives what somebody has to decide first.
Result<std::vector<chat::Question>> Turn::act(const Call& call) {
  on_state_(Event::ToolsWanted);
  const Toolbox::Place place{message_.offer.owner, message_.offer.session_id, turn_};
  std::vector<chat::Question> questions;
  std::string malformed;  // what is wrong with the last such call
  for (const chat::ToolCall& wanted : open_calls(Whose::Ours)) {
    TRY(const auto outcome, parts_.toolbox->act(call, place, wanted));
    if (const auto* approval = std::get_if<store::Approval>(&outcome)) {
      questions.push_back(question_of(*approval));
      continue;
    }
    unsaved_.push_back(entry({.role = chat::Role::Tool,
                              .content = told_of(outcome),
                              .tool_call_id = wanted.id,
                              .name = wanted.name}));
    TRY_VOID(save(call));
    if (std::holds_alternative<Toolbox::Malformed>(outcome))
      malformed = wanted.name.substr(0, kNameBytesMax) + ": " + told_of(outcome);
  }
  if (!malformed.empty() && ++malformed_rounds_ > kMalformedRoundsMax)
    return Error{Code::InvalidInput, "the model called a tool wrongly again, " + malformed};
  on_state_(questions.empty() ? Event::ToolsDone : Event::ApprovalNeeded);
  return questions;
}

/// Into the transcript, so that a turn that is cut off goes on from here.
Result<void> Turn::save(const Call& call) {
  TRY(std::uint32_t number, transcript_.append(call, message_.offer.session_id, unsaved_));
  for (store::Entry& entry : unsaved_) {
    entry.number = number++;
    history_.push_back(std::move(entry));
  }
  unsaved_.clear();
  return ok();
}

/// Asks the model; while the conversation does not fit its context, the oldest turn goes to the
/// archive.
Result<Turn::Said> Turn::think(const Call& call, May may) {
  for (;;) {
    auto said = ask_model(call, may);
    // Without a field: it is the prompt that does not fit, not one of its parts.
    const bool full =
        !said.ok() && said.error().code == Code::TooLarge && said.error().field.empty();
    if (!full) return said;
    const auto made = make_room(call);
    if (!made.ok()) return said;  // what is too large is this message
  }
}

Result<Turn::Said> Turn::ask_model(const Call& call, May may) {
  said_.clear();
  shown_calls_.clear();
  TRY(auto answer, model::generate(call, *model_, request(may),
                                   [this](const chat::Delta& delta) { on_delta(delta); }));
  return Said{std::move(answer.message), std::move(answer.finished)};
}

/// Errors: TooLarge (there is nothing older).
Result<void> Turn::make_room(const Call& call) {
  const auto is_old = [this](const store::Entry& e) {
    return e.turn != turn_ && e.message.role != chat::Role::System;
  };
  const auto oldest = std::ranges::find_if(history_, is_old);
  if (oldest == history_.end()) return Error{Code::TooLarge, "the message alone is too long"};
  const std::uint32_t turn = oldest->turn;
  const auto next = std::find_if(oldest, history_.end(),
                                 [turn](const store::Entry& e) { return e.turn != turn; });
  const std::uint32_t keep_from = std::prev(next)->number + 1;
  log::info("session {}: messages before {} go to the archive, the context is full",
            message_.offer.session_id, keep_from);
  TRY_VOID(transcript_.archive_before(call, message_.offer.session_id, keep_from));
  history_.erase(oldest, next);
  return ok();
}

chat::Request Turn::request(May may) const {
  chat::Request out = wanted_;
  auto& conversation = std::get<chat::Conversation>(out.prompt);
  std::vector<store::Entry> all = history_;
  all.insert(all.end(), unsaved_.begin(), unsaved_.end());
  conversation.messages = shown(all);
  if (parts_.toolbox)
    conversation.tools.insert(conversation.tools.end(), parts_.toolbox->offered().begin(),
                              parts_.toolbox->offered().end());
  if (may == May::Answer) conversation.tool_choice = {chat::ToolChoice::Mode::None};
  // A conversation is continued: what it computed is kept, also over a restart.
  out.cache.persist = out.cache_prompt;
  return out;
}

/// Calls of Hearth's own tools are made here and not shown to the client, which would make them.
void Turn::on_delta(const chat::Delta& delta) {
  said_ += delta.content;
  chat::Delta shown = delta;
  shown.tool_calls.clear();
  for (const chat::ToolCallDelta& piece : delta.tool_calls) {
    const bool begins = !piece.name.empty();
    if (begins && !is_ours({.id = piece.id, .name = piece.name, .arguments = ""}))
      shown_calls_.emplace(piece.index, static_cast<std::uint32_t>(shown_calls_.size()));
    const auto number = shown_calls_.find(piece.index);
    if (number == shown_calls_.end()) continue;
    shown.tool_calls.push_back(piece);
    shown.tool_calls.back().index = number->second;
  }
  if (!chat::is_empty(shown)) audience_.tell(shown);
}

Turn::Outcome Turn::end_well(chat::Finished finished) {
  if (finished.reason == chat::FinishReason::RequiresAction) {
    audience_.tell(std::move(finished));
    return Outcome::Parked;
  }
  const auto committed = commit(store::Inbound::State::Done, "");
  if (!committed.ok()) {
    on_state_(Event::Failed);
    audience_.tell(chat::Failed{committed.error()});
    return Outcome::Ended;
  }
  on_state_(Event::Answered);
  audience_.tell(std::move(finished));
  return Outcome::Ended;
}

/// What was shown was said, even if it was stopped half way.
Turn::Outcome Turn::end_badly(const Error& error, const Why& why) {
  const bool stopped = error.code == Code::Cancelled;
  if (stopped && why() == Stop::ShuttingDown) {
    on_state_(Event::Failed);
    audience_.tell(chat::Failed{{Code::Unavailable, "the daemon is stopping", {}}});
    return Outcome::Left;
  }
  if (stopped && !said_.empty()) {
    unsaved_.push_back(entry({.role = chat::Role::Assistant, .content = said_}));
    unsaved_.back().model = model_->name();
  }
  if (!stopped) unsaved_.clear();  // a question without an answer would confuse the next turn
  // Told as it is, also if it cannot be written: that was logged.
  static_cast<void>(commit(stopped ? store::Inbound::State::Dropped : store::Inbound::State::Failed,
                           stopped ? "stopped by its sender" : error.message));
  on_state_(Event::Failed);
  audience_.tell(chat::Failed{error});
  return Outcome::Ended;
}

Result<void> Turn::commit(store::Inbound::State end, const std::string& reason) {
  store::TurnEnd what{.message_id = message_.id};
  what.entries = unsaved_;
  what.end = end;
  what.reason = reason;
  const auto committed = turns_.commit(Call::within(kCommitMax), what);
  if (committed.ok()) return ok();
  // Its session is gone, or it was cancelled in the moment when it began or ended.
  const bool ended_before =
      committed.error().code == Code::InvalidInput || committed.error().code == Code::NotFound;
  if (ended_before) return Error{Code::Cancelled, "the message was cancelled"};
  log::error("the end of a turn of session {} cannot be written: {}", message_.offer.session_id,
             committed.error().message);
  return committed.error();
}

store::Entry Turn::entry(chat::Message message) const {
  return {.message = std::move(message), .turn = turn_};
}

// ---- options ------------------------------------------------------------------------------------

std::string options_text(const Options& options) {
  Json more = Json::array();
  for (const chat::Message& message : options.more) more.push_back(chat::message_text(message));
  return chat::json_text({{"model", options.model}, {"request", options.request}, {"more", more}});
}

Result<Options> read_options(const std::string& text) {
  const Error damaged{Code::Corrupt, "the options of a stored message cannot be read"};
  const auto json = parse_json(text, "options");
  if (!json.ok() || !json.value().is_object()) return damaged;
  Options out;
  out.model = json.value().value("model", "");
  out.request = json.value().value("request", "{}");
  for (const Json& one : json.value().value("more", Json::array())) {
    if (!one.is_string()) return damaged;
    TRY(chat::Message message, chat::message_of(one.get<std::string>()));
    out.more.push_back(std::move(message));
  }
  return out;
}

}  // namespace hearth::agent
