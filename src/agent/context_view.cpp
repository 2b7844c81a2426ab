#include "agent/context_view.h"

#include <algorithm>

#include "agent/talk.h"
#include "context/tail.h"

namespace hearth::agent {
namespace {

/// The model that answered last.
std::string last_model(const std::vector<store::Entry>& entries) {
  const auto last = std::find_if(entries.rbegin(), entries.rend(),
                                 [](const store::Entry& entry) { return !entry.model.empty(); });
  return last == entries.rend() ? "" : last->model;
}

}  // namespace

Result<ContextView> view_context(const Call& call, const Parts& parts,
                                 const std::string& session_id) {
  Talk talk(parts, session_id);
  TRY_VOID(talk.read(call));
  model::Model* model = parts.find_model(last_model(talk.entries()));
  if (!model) model = parts.find_model("");
  if (!model) return Error{Code::Unavailable, "there is no model"};
  talk.speak_with(*model, {});
  ContextView view{.model = model->name(), .context_tokens = model->context_tokens()};
  view.tail.text = context::tail_of({.now = parts.time.wall(),
                                     .shows_date = parts.shows_date,
                                     .has_clock = parts.zone.has_tool("time_now")});
  chat::Conversation next = talk.conversation();
  view.static_zone.text = next.messages.front().content;
  for (const chat::Tool& tool : next.tools) view.static_zone.tools.push_back(tool.name);
  view.history.messages = next.messages.size() - 1;
  view.history.kept_tokens = static_cast<std::uint32_t>(next.seen.tokens.size());
  next.messages.push_back({.content = "?"});
  next.tail = view.tail.text;
  chat::Request request{.prompt = std::move(next), .tokens_max = 0, .trace = true};
  request.cache.border_messages = 1;
  TRY(const model::Answer counted, model::generate(call, *model, std::move(request)));
  const chat::Trace& trace = counted.finished.trace;
  talk.note_static_tokens(trace.border_tokens);
  view.static_zone.tokens = talk.static_tokens();
  view.tail.tokens = trace.tail_tokens;
  view.history.tokens = talk.history_tokens();
  view.history.tokens_max = talk.history_budget();
  view.summary = talk.summary();
  if (view.summary) view.archived = view.summary->number;
  return view;
}

}  // namespace hearth::agent
