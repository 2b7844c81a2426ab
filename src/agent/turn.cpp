#include "agent/turn.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "agent/idle_work.h"
#include "agent/round.h"
#include "base/fields.h"
#include "base/log.h"
#include "chat/message_json.h"
#include "context/history.h"
#include "context/summary.h"
#include "context/tail.h"
#include "store/memories.h"

namespace hearth::agent {
namespace {

constexpr std::uint32_t kMalformedRoundsMax = 1;  // a model is told once what is wrong
constexpr std::uint32_t kFullPart = 2;            // of a context: a guess may be as far off
constexpr std::size_t kNameBytesMax = 64;         // of a tool, where it is shown
constexpr Millis kCommitMax{10'000};  // an end is written even when the turn's own time is over

std::set<std::string> answered_calls(const std::vector<store::Entry>& entries) {
  std::set<std::string> ids;
  for (const auto& entry : entries)
    if (entry.message.role == chat::Role::Tool) ids.insert(entry.message.tool_call_id);
  return ids;
}

/// Written now, or before by whoever cancelled it.
bool has_ended(const Result<void>& committed) {
  return committed.ok() || committed.error().code == Code::Cancelled;
}

/// What the model is told about a call.
const std::string& told_of(const Toolbox::Outcome& outcome) {
  const auto* malformed = std::get_if<Toolbox::Malformed>(&outcome);
  return malformed ? malformed->told : std::get<std::string>(outcome);
}

/// A line of Started::loosened with its tool counted as the client does, whose tools stand behind
/// `ours`. Absent: it is about one of ours.
std::optional<std::string> as_client_counts(const std::string& line, std::size_t ours) {
  constexpr std::string_view kTools = "tools[";
  if (!line.starts_with(kTools)) return line;
  std::size_t number = 0;
  const char* const begin = line.data() + kTools.size();
  const auto read = std::from_chars(begin, line.data() + line.size(), number);
  if (number < ours) return std::nullopt;
  return std::string(kTools) + std::to_string(number - ours) + read.ptr;
}

}  // namespace

Turn::Turn(const Parts& parts, store::Inbound message, Audience& audience, OnState on_state)
    : parts_(parts),
      message_(std::move(message)),
      turn_(message_.turn.value_or(0)),
      audience_(audience),
      on_state_(std::move(on_state)),
      transcript_(parts.store, parts.time),
      turns_(parts.store, parts.time),
      talk_(parts, message_.offer.session_id) {}

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
  model::Model* const named = parts_.find_model(options_.model);
  if (!named) return Error{Code::NotFound, "there is no model '" + options_.model + "'", "model"};
  TRY(wanted_, parts_.read_request(options_.request, message_.offer.owner));
  TRY_VOID(check_tools());
  TRY_VOID(talk_.read(call));
  const auto is_mine = [this](const store::Entry& e) { return e.turn == turn_; };
  if (!std::ranges::any_of(talk_.entries(), is_mine)) {
    add(entry(message_.offer.message));
    for (const chat::Message& more : options_.more) add(entry(more));
  }
  goes_on_ = rounds_made() > 0;
  answerer_.choose(*named, [this] { return all_that_was_said(); });
  speak_with(*answerer_.model());
  return set_moment(call);
}

/// For who chooses a model by it.
chat::Request Turn::all_that_was_said() const {
  chat::Request asked = wanted_;
  auto& messages = std::get<chat::Conversation>(asked.prompt).messages;
  for (const store::Entry& entry : talk_.entries()) messages.push_back(entry.message);
  return asked;
}

void Turn::speak_with(model::Model& model) {
  model_ = &model;
  talk_.speak_with(model, std::get<chat::Conversation>(wanted_.prompt).tools);
}

/// Where the model that was chosen has said nothing but why it cannot.
bool Turn::turn_to_another(const Error& error) {
  if (!said_.empty() || !shown_calls_.empty()) return false;
  const std::string before = model_->name();
  if (!answerer_.choose_another(error, [this] { return all_that_was_said(); })) return false;
  log::info("session {}: {} answers in place of {}: {}", message_.offer.session_id,
            answerer_.model()->name(), before, error.message);
  speak_with(*answerer_.model());
  seen_.clear();
  keeps_tokens_ = false;  // another model's tokens are in this turn
  return true;
}

/// The tail, and room for what is said now.
Result<void> Turn::set_moment(const Call& call) {
  context::Moment moment{.now = parts_.time.wall(),
                         .shows_date = parts_.shows_date,
                         .has_clock = parts_.zone.has_tool("time_now")};
  day_ = unix_time<std::chrono::seconds>(parts_.time);
  const std::string words = context::recall_words(message_.offer.message.content);
  if (parts_.memories_max > 0 && !words.empty()) {
    store::Memories memories(parts_.store, parts_.time);
    TRY(const auto found, memories.recall(call, message_.offer.owner, words, parts_.memories_max));
    for (const store::Memory& memory : found) moment.memories.push_back(memory.text);
  }
  if (talk_.has_other_tools())
    moment.notes.emplace_back("your tools are no longer those of the earlier messages");
  TRY(tail_, context::tail_within(moment, [&](std::string text) -> Result<std::size_t> {
        return model_->count_tokens(call, std::move(text));
      }));
  if (talk_.history_tokens() <= talk_.history_budget()) return ok();
  const auto made = make_room(call);
  return made.ok() || made.error().code == Code::TooLarge ? ok() : made;
}

/// A name must say who makes the call.
Result<void> Turn::check_tools() const {
  const auto& tools = std::get<chat::Conversation>(wanted_.prompt).tools;
  for (std::size_t i = 0; i < tools.size(); ++i) {
    if (parts_.calls() && parts_.calls()->has(tools[i].name))
      return field_error("tools[" + std::to_string(i) + "].function.name",
                         "'" + tools[i].name + "' is a tool of Hearth's own");
  }
  return ok();
}

/// Think and act in turns. A turn that goes on has calls whose results are missing.
Result<chat::Finished> Turn::work(const Call& call) {
  chat::Finished finished;
  for (bool first = true;; first = false) {
    if (!open_calls(Whose::Ours).empty()) {
      TRY(auto questions, act(call));
      finished.questions = std::move(questions);
      if (!open_calls(Whose::Clients).empty()) finished.reason = chat::FinishReason::ToolCalls;
    }
    if (!finished.questions.empty()) finished.reason = chat::FinishReason::RequiresAction;
    // What is left are the client's calls, or nothing that could go on here.
    if (!finished.questions.empty() || finished.reason == chat::FinishReason::ToolCalls) {
      if (first) repeat_clients_calls();
      return finished;
    }
    const bool may_call = rounds_made() < parts_.rounds_max;
    TRY(Said said, think(call, may_call ? May::CallTools : May::Answer));
    if (!may_call) TRY_VOID(drop_calls(said));
    make_ids_unique(said);
    finished = note(said);
    const auto& calls = said.message.tool_calls;
    const auto ours = [this](const chat::ToolCall& one) { return is_ours(one); };
    if (std::ranges::none_of(calls, ours)) return finished;
    if (std::ranges::all_of(calls, ours)) finished.reason = chat::FinishReason::Stop;
    TRY_VOID(save(call));
  }
}

/// Of a model that calls Hearth's tools although it was told that it must not any more. Errors:
/// Unavailable (it says nothing else).
Result<void> Turn::drop_calls(Said& said) const {
  const auto dropped = std::erase_if(said.message.tool_calls,
                                     [this](const chat::ToolCall& one) { return is_ours(one); });
  if (dropped == 0) return ok();
  if (said.message.tool_calls.empty()) said.finished.reason = chat::FinishReason::Stop;
  if (!said.message.tool_calls.empty() || !said.message.content.empty()) return ok();
  return Error{Code::Unavailable, model_->name() + " goes on calling tools after " +
                                      std::to_string(parts_.rounds_max) +
                                      " rounds (agent.rounds_max), and does not answer"};
}

/// A call with the id of an earlier one would get its result and not be made. Those of the client
/// were shown already.
void Turn::make_ids_unique(Said& said) const {
  std::set<std::string> known;
  for (const store::Entry& entry : talk_.entries())
    if (entry.turn == turn_)
      for (const chat::ToolCall& earlier : entry.message.tool_calls) known.insert(earlier.id);
  for (chat::ToolCall& wanted : said.message.tool_calls) {
    const std::string given = wanted.id;
    for (int n = 2; is_ours(wanted) && known.contains(wanted.id); ++n)
      wanted.id = given + "-" + std::to_string(n);
    known.insert(wanted.id);
  }
}

/// Keeps what the model said.
chat::Finished Turn::note(const Said& said) {
  add_to(usage_, said.finished.usage);
  cost_micro_ += said.finished.cost_micro;
  store::Entry answer = entry(said.message);
  answer.model = model_->name();
  keep_tokens(said.finished.trace, answer);
  add(std::move(answer));
  chat::Finished finished = said.finished;
  finished.usage = usage_;
  finished.cost_micro = cost_micro_;
  finished.route = answerer_.route();
  if (finished.route && !finished.route->passed_over.empty())
    finished.notes.push_back(model_->name() + " has answered, since " +
                             finished.route->passed_over.back());
  finished.trace = {};
  return finished;
}

/// What the model has seen, for the next call of this turn with the tail and for later turns
/// without.
void Turn::keep_tokens(const chat::Trace& trace, store::Entry& entry) {
  talk_.note_static_tokens(trace.border_tokens);
  had_tail_ |= trace.tail_tokens > 0;
  keeps_tokens_ = keeps_tokens_ && context::keep_tokens(trace, talk_.prefix_id(), entry);
  if (!trace.follows_seen) seen_.clear();
  seen_.insert(seen_.end(), trace.tokens.begin(), trace.tokens.end());
}

bool Turn::is_ours(const chat::ToolCall& wanted) const {
  return parts_.calls() && parts_.calls()->has(wanted.name);
}

/// Calls of this turn that have no result yet.
std::vector<chat::ToolCall> Turn::open_calls(Whose whose) const {
  const std::set<std::string> answered = answered_calls(talk_.entries());
  std::vector<chat::ToolCall> open;
  for (const auto& entry : talk_.entries()) {
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
    TRY(const auto outcome, parts_.calls()->act(call, place, wanted));
    if (const auto* question = std::get_if<chat::Question>(&outcome)) {
      questions.push_back(*question);
      continue;
    }
    add(entry({.role = chat::Role::Tool,
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

/// For who listens to a turn that goes on: it was an earlier answer that brought them.
void Turn::repeat_clients_calls() {
  chat::Delta delta;
  for (chat::ToolCall& wanted : open_calls(Whose::Clients)) {
    const auto index = static_cast<std::uint32_t>(delta.tool_calls.size());
    delta.tool_calls.push_back(
        {index, std::move(wanted.id), std::move(wanted.name), std::move(wanted.arguments)});
  }
  if (!chat::is_empty(delta)) audience_.tell(delta);
}

/// Into the transcript, so that a turn that is cut off goes on from here.
Result<void> Turn::save(const Call& call) {
  TRY_VOID(transcript_.append(call, message_.offer.session_id, unsaved()));
  unsaved_ = 0;
  return ok();
}

void Turn::add(store::Entry entry) {
  talk_.add(std::move(entry));
  ++unsaved_;
}

std::vector<store::Entry> Turn::unsaved() const {
  const std::vector<store::Entry>& all = talk_.entries();
  return {all.end() - static_cast<std::ptrdiff_t>(unsaved_), all.end()};
}

/// Asks the model; while the conversation does not fit its context, the oldest turn goes to the
/// archive.
Result<Turn::Said> Turn::think(const Call& call, May may) {
  for (;;) {
    auto said = ask_model(call, may);
    if (said.ok()) answerer_.succeeded();
    if (said.ok() || Clock::now() >= call.deadline) return said;
    // Without a field: it is the prompt that does not fit, not one of its parts.
    const bool full = said.error().code == Code::TooLarge && said.error().field.empty();
    if (full && make_room(call).ok()) continue;
    if (!turn_to_another(said.error())) return said;  // or what is too large is this turn
  }
}

Result<Turn::Said> Turn::ask_model(const Call& call, May may) {
  said_.clear();
  shown_calls_.clear();
  chat::Request asked = request(may);
  asked.session = message_.offer.session_id;
  seen_ = std::get<chat::Conversation>(asked.prompt).seen.tokens;
  TRY(auto answer, model::generate(call, *model_, asked, [this](const chat::Event& event) {
        if (const auto* started = std::get_if<chat::Started>(&event)) on_started(*started);
        if (const auto* delta = std::get_if<chat::Delta>(&event)) on_delta(*delta);
      }));
  keep_journal(call, asked, answer);
  return Said{std::move(answer.message), std::move(answer.finished)};
}

/// How often the model has answered in this turn, in this process or before.
std::uint32_t Turn::rounds_made() const {
  return static_cast<std::uint32_t>(
      std::ranges::count_if(talk_.entries(), [this](const store::Entry& entry) {
        return entry.turn == turn_ && entry.message.role == chat::Role::Assistant;
      }));
}

/// What goes wrong with it costs the replay and nothing else.
void Turn::keep_journal(const Call& call, const chat::Request& asked, const model::Answer& answer) {
  Round round = round_of(*model_, asked, answer);
  round.number = rounds_made();
  round.begins = goes_on_;
  goes_on_ = false;
  round.build = parts_.build;
  round.tools = parts_.zone.tools();
  round.static_tokens = talk_.static_tokens();
  if (talk_.summary()) round.archived = talk_.summary()->number;
  store::Journal journal(parts_.store, parts_.time);
  const auto kept = keep_round(call, journal, message_.offer.session_id, turn_, round);
  if (!kept.ok())
    log::warn("session {}: turn {} cannot be replayed: {}", message_.offer.session_id, turn_,
              kept.error().message);
}

/// Nothing goes to the archive for a message that would not fit alone, nor because somebody on the
/// way to a provider found a question too large that is far from filling its context. Errors:
/// TooLarge (that, or there is nothing older).
Result<void> Turn::make_room(const Call& call) {
  if (!model_->is_local()) {
    chat::Request whole{.prompt = talk_.conversation(), .tokens_max = 0};
    TRY(const auto counted, model::generate(call, *model_, std::move(whole)));
    if (counted.finished.usage.prompt_tokens < model_->context_tokens() / kFullPart)
      return Error{Code::TooLarge, "its context is not full"};
  }
  chat::Request alone{.prompt = talk_.conversation_of(turn_), .tokens_max = 0};
  TRY_VOID(model::generate(call, *model_, std::move(alone)));
  TRY_VOID(talk_.make_room(call));
  seen_.clear();
  return ok();
}

chat::Request Turn::request(May may) const {
  chat::Request out = wanted_;
  chat::Conversation& conversation = std::get<chat::Conversation>(out.prompt);
  const chat::ToolChoice choice = conversation.tool_choice;
  const bool parallel = conversation.parallel_tool_calls;
  conversation = talk_.conversation();
  conversation.tool_choice =
      may == May::Answer ? chat::ToolChoice{chat::ToolChoice::Mode::None} : choice;
  conversation.parallel_tool_calls = parallel;
  const auto last = [&](chat::Role role) {
    const auto found = std::find_if(conversation.messages.rbegin(), conversation.messages.rend(),
                                    [role](const auto& one) { return one.role == role; });
    return static_cast<std::uint32_t>(conversation.messages.rend() - found);
  };
  if (!seen_.empty()) conversation.seen = {seen_, last(chat::Role::Assistant)};
  if (last(chat::Role::User) > conversation.seen.messages) conversation.tail = tail_;
  // A conversation is continued: what it computed is kept, also over a restart.
  out.cache.persist = out.cache_prompt;
  out.cache.before_seed = out.cache_prompt;
  out.trace = true;
  out.day = day_;
  answerer_.mark(out);
  if (talk_.static_tokens() > 0 || out.cache.border_messages) return out;
  out.cache.border_messages = 1;
  if (!talk_.is_plain() || !out.cache.key.empty()) return out;
  out.cache.key = talk_.static_id();
  out.cache.pin = true;
  return out;
}

/// Of what is asked of the model but not enforced, the client is told what concerns its own
/// schemas. Who answers it learns at the end.
void Turn::on_started(const chat::Started& started) {
  chat::Started shown = started;
  shown.route.reset();
  shown.loosened.clear();
  for (const std::string& line : started.loosened)
    if (auto told = as_client_counts(line, parts_.zone.tools().size()))
      shown.loosened.push_back(std::move(*told));
  audience_.tell(shown);
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
  if (committed.ok()) tell_notes(Call::within(kCommitMax), finished);
  if (!committed.ok()) {
    on_state_(Event::Failed);
    audience_.tell(chat::Failed{committed.error()});
    return has_ended(committed) ? Outcome::Ended : Outcome::Left;
  }
  on_state_(Event::Answered);
  audience_.tell(std::move(finished));
  return Outcome::Ended;
}

/// Told once more is better than not at all.
void Turn::tell_notes(const Call& call, chat::Finished& finished) {
  if (!talk_.summary() || talk_.summary()->told) return;
  finished.notes.push_back(context::compaction_note(*talk_.summary()));
  store::Summaries summaries(parts_.store, parts_.time);
  const auto told = summaries.mark_told(call, message_.offer.session_id);
  if (!told.ok()) log::warn("session {}: {}", message_.offer.session_id, told.error().message);
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
    add(entry({.role = chat::Role::Assistant, .content = said_}));
    talk_.last().model = model_->name();
  }
  if (!stopped) {  // a question without an answer would confuse the next turn
    talk_.drop_last(unsaved_);
    unsaved_ = 0;
  }
  // Told as it is, also if it cannot be written: that was logged.
  const auto committed =
      commit(stopped ? store::Inbound::State::Dropped : store::Inbound::State::Failed,
             stopped ? "stopped by its sender" : error.message);
  on_state_(Event::Failed);
  audience_.tell(chat::Failed{error});
  return has_ended(committed) ? Outcome::Ended : Outcome::Left;
}

void Turn::rest(const Call& call) {
  if (model_ && wanted_.cache_prompt) IdleWork(parts_, talk_, *model_).run(call, had_tail_);
}

Result<void> Turn::commit(store::Inbound::State end, const std::string& reason) {
  store::TurnEnd what{.message_id = message_.id};
  what.entries = unsaved();
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
