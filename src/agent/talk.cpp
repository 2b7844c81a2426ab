#include "agent/talk.h"

#include <algorithm>

#include "base/log.h"
#include "context/summary.h"
#include "context/window.h"
#include "model/token_source.h"

namespace hearth::agent {
namespace {

bool is_instruction(const store::Entry& entry) { return entry.message.role == chat::Role::System; }

}  // namespace

Talk::Talk(const Parts& parts, std::string session_id)
    : parts_(parts), session_id_(std::move(session_id)) {}

/// The newest turns, whole, behind the session's instructions, which stay when others go to the
/// archive.
Result<void> Talk::read(const Call& call) {
  store::Transcript transcript(parts_.store, parts_.time);
  store::Summaries summaries(parts_.store, parts_.time);
  TRY(summary_, summaries.latest(call, session_id_));
  TRY(entries_, transcript.read_last(call, session_id_, kHistoryMax));
  if (!entries_.empty() && entries_.front().number > 0) {
    const std::uint32_t cut = entries_.front().turn;
    std::erase_if(entries_, [cut](const store::Entry& entry) { return entry.turn == cut; });
    TRY(auto first, transcript.read(call, session_id_, 0, 1));
    if (!first.empty() && is_instruction(first.front()))
      entries_.insert(entries_.begin(), std::move(first.front()));
  }
  std::erase_if(entries_,
                [](const store::Entry& entry) { return entry.archived && !is_instruction(entry); });
  instructions_ = context::instructions_of(entries_);
  return ok();
}

void Talk::speak_with(const model::Model& model, std::vector<chat::Tool> clients) {
  model_ = &model;
  clients_ = std::move(clients);
  name_prefix();
}

void Talk::name_prefix() {
  if (!model_) return;
  const std::string model = model::token_source(*model_), first = parts_.zone.text(instructions_);
  static_id_ = context::prefix_id(parts_.zone, model, first, clients_, "");
  prefix_id_ = summary_ ? context::prefix_id(parts_.zone, model, first, clients_, summary_->text)
                        : static_id_;
}

void Talk::add(store::Entry entry) {
  entry.number = entries_.empty() ? 0 : entries_.back().number + 1;
  const bool instructs = is_instruction(entry);
  entries_.push_back(std::move(entry));
  if (!instructs) return;
  instructions_ = context::instructions_of(entries_);
  name_prefix();
}

void Talk::drop_last(std::size_t count) {
  entries_.resize(entries_.size() - std::min(count, entries_.size()));
}

bool Talk::has_other_tools() const {
  const auto last = std::find_if(entries_.rbegin(), entries_.rend(), [](const store::Entry& entry) {
    return !entry.tokens_prefix.empty();
  });
  return last != entries_.rend() && !context::had_tools(last->tokens_prefix, parts_.zone);
}

chat::Conversation Talk::conversation() const {
  return conversation_with(context::history_of(entries_, summary_, prefix_id_));
}

chat::Conversation Talk::conversation_of(std::uint32_t turn) const {
  std::vector<store::Entry> its;
  for (const store::Entry& entry : entries_)
    if (entry.turn == turn) its.push_back(entry);
  return conversation_with(context::history_of(its, std::nullopt, ""));
}

chat::Conversation Talk::conversation_with(context::History history) const {
  chat::Conversation out;
  out.messages = std::move(history.messages);
  out.messages.insert(out.messages.begin(),
                      {.role = chat::Role::System, .content = parts_.zone.text(instructions_)});
  out.seen = std::move(history.seen);
  if (out.seen.messages > 0) ++out.seen.messages;
  out.tools = parts_.zone.tools();
  out.tools.insert(out.tools.end(), clients_.begin(), clients_.end());
  return out;
}

std::uint32_t Talk::static_tokens() const { return parts_.static_sizes->of(static_id_); }

void Talk::note_static_tokens(std::uint32_t tokens) {
  if (tokens == 0) return;
  parts_.static_sizes->note(static_id_, tokens);
  if (tokens > context::StaticZone::kTokensMax)
    log::warn(
        "session {}: instructions and tools are {} tokens; more than {} make every "
        "conversation slow to begin",
        session_id_, tokens, context::StaticZone::kTokensMax);
}

std::uint32_t Talk::history_tokens() const {
  return context::history_tokens(entries_, prefix_id_, static_tokens());
}

std::uint32_t Talk::history_budget() const {
  return context::history_budget(parts_.window, model_->context_tokens(), static_tokens());
}

std::optional<std::uint32_t> Talk::cut_before() const {
  return context::cut_before(entries_, parts_.window, history_tokens(), history_budget());
}

Result<store::Summary> Talk::archive_before(const Call& call, std::uint32_t number,
                                            std::string text, std::string model) {
  store::Summary summary{.session_id = session_id_,
                         .number = number,
                         .text = std::move(text),
                         .model = std::move(model),
                         .before_tokens = history_tokens()};
  std::erase_if(entries_, [number](const store::Entry& entry) {
    return entry.number < number && !is_instruction(entry);
  });
  summary_ = summary;
  name_prefix();
  // Its own text is in the first question from now on.
  summary.after_tokens =
      history_tokens() + context::estimated_tokens({.message = {.content = summary.text}});
  store::Summaries summaries(parts_.store, parts_.time);
  TRY_VOID(summaries.put(call, summary));
  summary_ = summary;
  return summary;
}

Result<store::Summary> Talk::make_room(const Call& call) {
  const auto cut = cut_before();
  if (!cut) return Error{Code::TooLarge, "the message alone is too long"};
  log::info("session {}: messages before {} go to the archive, the context is full", session_id_,
            *cut);
  return archive_before(call, *cut, context::archive_line(*cut, summary_), "");
}

}  // namespace hearth::agent
