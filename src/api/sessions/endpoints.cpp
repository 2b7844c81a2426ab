#include "api/sessions/endpoints.h"

#include <map>
#include <optional>

#include "api/http/query.h"
#include "api/sessions/owner.h"
#include "base/fields.h"
#include "base/utf8.h"
#include "store/transcript.h"

namespace hearth::api {
namespace {

using json = nlohmann::ordered_json;

constexpr std::size_t kPageDefault = 100, kPageMax = 1'000;  // items of one answer
constexpr std::size_t kFoundDefault = 20, kFoundMax = 50;    // of a search
static_assert(kFoundMax < store::Transcript::kFoundMax, "one more is asked for than is shown");

/// One request about sessions, on a thread that may block.
struct Visit {
  const Parts& parts;
  const net::Request& request;
  const Route& route;
  std::string owner;
  Call call;
  store::Sessions sessions() const { return {*parts.store, parts.time}; }
  store::Transcript transcript() const { return {*parts.store, parts.time}; }
};

json session_json(const Visit& visit, const store::Session& session) {
  return {{"id", session.id},
          {"object", "session"},
          {"name", session.name ? json(*session.name) : json(nullptr)},
          {"parent", session.parent ? json(*session.parent) : json(nullptr)},
          {"created_at", session.created_ms / 1'000},
          {"used_at", session.used_ms / 1'000},
          {"messages", session.messages},
          {"state", agent::state_name(visit.parts.sessions->state(session.id))}};
}

json message_json(const store::Entry& entry) {
  const chat::Message& message = entry.message;
  json out = {{"number", entry.number},
              {"turn", entry.turn},
              {"role", chat::role_name(message.role)},
              {"content", message.content}};
  if (!message.reasoning.empty()) out["reasoning_content"] = message.reasoning;
  for (const chat::ToolCall& call : message.tool_calls)
    out["tool_calls"].push_back(call_json(call));
  if (!message.tool_call_id.empty()) out["tool_call_id"] = message.tool_call_id;
  if (!message.name.empty()) out["name"] = message.name;
  if (!entry.model.empty()) out["model"] = entry.model;
  out["created_at"] = entry.created_ms / 1'000;
  out["archived"] = entry.archived;
  return out;
}

json list_json(json data, bool has_more) {
  return {{"object", "list"}, {"data", std::move(data)}, {"has_more", has_more}};
}

/// Asks for one more than is shown, to know whether there is more.
template <class Item, class Show>
json page(std::vector<Item> items, std::size_t limit, Show&& show) {
  const bool has_more = items.size() > limit;
  if (has_more) items.resize(limit);
  json data = json::array();
  for (const Item& item : items) data.push_back(show(item));
  return list_json(std::move(data), has_more);
}

/// The session that the path names, by its id or its name.
Result<store::Session> named(const Visit& visit) {
  const std::string& key = visit.route.argument;
  auto found = visit.sessions().find(visit.call, visit.owner, key);
  if (found.ok() || found.error().code != Code::NotFound) return found;
  return visit.sessions().find_named(visit.call, visit.owner, key);
}

/// `name` of the body, which may be empty.
Result<std::optional<std::string>> name_in_body(const Visit& visit) {
  if (visit.request.body.empty()) return std::optional<std::string>();
  TRY(const json body, parse_json(visit.request.body, "body"));
  TRY(const Fields fields, Fields::of(body));
  if (!fields.has("name")) return std::optional<std::string>();
  TRY(std::string name, fields.text("name"));
  return std::optional(std::move(name));
}

Result<json> list(const Visit& visit) {
  TRY(const std::size_t limit, query_number(visit.request.query, "limit", kPageDefault, kPageMax));
  TRY(const std::size_t skip, query_number(visit.request.query, "skip", 0, SIZE_MAX / 2));
  TRY(auto sessions, visit.sessions().list(visit.call, visit.owner, limit + 1, skip));
  return page(std::move(sessions), limit,
              [&](const store::Session& session) { return session_json(visit, session); });
}

Result<json> create(const Visit& visit) {
  TRY(const auto name, name_in_body(visit));
  TRY(const store::Session session, visit.sessions().create(visit.call, visit.owner, name));
  return session_json(visit, session);
}

Result<json> show(const Visit& visit) {
  TRY(const store::Session session, named(visit));
  return session_json(visit, session);
}

Result<json> remove(const Visit& visit) {
  TRY(const store::Session session, named(visit));
  TRY_VOID(visit.parts.sessions->cancel(visit.call, visit.owner, session.id));
  TRY_VOID(visit.sessions().remove(visit.call, visit.owner, session.id));
  return json{{"id", session.id}, {"object", "session"}, {"deleted", true}};
}

/// The newest `count`; `has_more` speaks of older ones.
Result<json> last_messages(const Visit& visit, const std::string& session_id, std::size_t count) {
  TRY(const auto entries, visit.transcript().read_last(visit.call, session_id, count));
  json data = json::array();
  for (const store::Entry& entry : entries) data.push_back(message_json(entry));
  return list_json(std::move(data), !entries.empty() && entries.front().number > 0);
}

Result<json> messages(const Visit& visit) {
  TRY(const store::Session session, named(visit));
  TRY(const std::size_t last, query_number(visit.request.query, "last", 0, kPageMax));
  if (last > 0) return last_messages(visit, session.id, last);
  TRY(const std::size_t limit, query_number(visit.request.query, "limit", kPageDefault, kPageMax));
  TRY(const std::size_t from, query_number(visit.request.query, "from", 0, UINT32_MAX));
  TRY(auto entries,
      visit.transcript().read(visit.call, session.id, static_cast<std::uint32_t>(from), limit + 1));
  return page(std::move(entries), limit, message_json);
}

json summary_json(const store::Summary& summary) {
  return {{"text", summary.text},
          {"model", summary.model.empty() ? json(nullptr) : json(summary.model)},
          {"messages", summary.number},
          {"before_tokens", summary.before_tokens},
          {"after_tokens", summary.after_tokens},
          {"created_at", summary.created_ms / 1'000}};
}

Result<json> context(const Visit& visit) {
  TRY(const store::Session session, named(visit));
  TRY(const agent::ContextView view,
      visit.parts.sessions->view_context(visit.call, visit.owner, session.id));
  const auto& history = view.history;
  return json{{"id", session.id},
              {"object", "session.context"},
              {"model", view.model},
              {"context_tokens", view.context_tokens},
              {"static",
               {{"tokens", view.static_zone.tokens},
                {"text", view.static_zone.text},
                {"tools", view.static_zone.tools}}},
              {"history",
               {{"tokens", history.tokens},
                {"tokens_max", history.tokens_max},
                {"messages", history.messages},
                {"kept_tokens", history.kept_tokens},
                {"summary", view.summary ? summary_json(*view.summary) : json(nullptr)}}},
              {"tail", {{"tokens", view.tail.tokens}, {"text", view.tail.text}}}};
}

Result<json> fork(const Visit& visit) {
  TRY(const auto name, name_in_body(visit));
  TRY(const store::Session from, named(visit));
  TRY(const store::Session session, visit.sessions().fork(visit.call, visit.owner, from.id, name));
  return session_json(visit, session);
}

/// `key` or `turn` of the body: one message; without them all.
Result<agent::Which> which_in_body(const Visit& visit) {
  agent::Which which;
  if (visit.request.body.empty()) return which;
  TRY(const json body, parse_json(visit.request.body, "body"));
  TRY(const Fields fields, Fields::of(body));
  if (fields.has("key")) {
    TRY(which.key, fields.text("key"));
  }
  TRY(const auto turn, fields.whole("turn", {0, UINT32_MAX}));
  if (turn) which.turn = static_cast<std::uint32_t>(*turn);
  return which;
}

Result<json> cancel(const Visit& visit) {
  TRY(const agent::Which which, which_in_body(visit));
  TRY(const store::Session session, named(visit));
  TRY(const std::size_t count,
      visit.parts.sessions->cancel(visit.call, visit.owner, session.id, which));
  return json{{"id", session.id}, {"object", "session"}, {"cancelled", count}};
}

/// What is searched for. A word may be anything; only nothing cannot be looked for.
Result<std::string> wanted_words(const Visit& visit) {
  TRY(const auto given, query_text(visit.request.query, "q"));
  std::string words = to_utf8(given.value_or(""));
  if (words.find_first_not_of(" \t\r\n") == std::string::npos)
    return field_error("q", "words to search for are required");
  if (words.size() > store::Transcript::kSearchBytesMax)
    return field_error("q", "at most " + std::to_string(store::Transcript::kSearchBytesMax) +
                                " bytes are allowed");
  return words;
}

/// Names of sessions, each asked for once.
class Names {
 public:
  explicit Names(const Visit& visit) : visit_(visit) {}
  json of(const std::string& session_id) {
    const auto [known, is_new] = names_.try_emplace(session_id);
    if (!is_new) return known->second;
    // One that was deleted since it was found has no name any more.
    const auto session = visit_.sessions().find(visit_.call, visit_.owner, session_id);
    if (session.ok() && session.value().name) known->second = *session.value().name;
    return known->second;
  }

 private:
  const Visit& visit_;
  std::map<std::string, json> names_;
};

Result<json> search(const Visit& visit) {
  TRY(const std::string words, wanted_words(visit));
  TRY(const std::size_t limit,
      query_number(visit.request.query, "limit", kFoundDefault, kFoundMax));
  TRY(auto found, visit.transcript().search(visit.call, visit.owner, words, limit + 1));
  Names names(visit);
  return page(std::move(found), limit, [&](const store::Found& one) {
    return json{{"session_id", one.session_id},
                {"session_name", names.of(one.session_id)},
                {"number", one.number},
                {"snippet", one.snippet}};
  });
}

/// What turns may do on this machine, for people: configured, not for each owner.
Result<json> list_tools(const Visit& visit) {
  json data = json::array();
  if (const agent::Toolbox* const toolbox = visit.parts.sessions->toolbox())
    for (const auto& tool : toolbox->facts())
      data.push_back({{"name", tool.name},
                      {"description", tool.description},
                      {"effect", policy::effect_name(tool.effect)},
                      {"decision", policy::decision_name(tool.decision)},
                      {"has_rules", tool.has_rules}});
  return json{{"object", "list"},
              {"data", std::move(data)},
              {"workspace", visit.parts.config.tools.workspace},
              {"plan_mode", visit.parts.config.policy.plan_mode}};
}

Result<json> reply_to(const Visit& visit) {
  switch (visit.route.endpoint) {
    case Endpoint::ListSessions: return list(visit);
    case Endpoint::CreateSession: return create(visit);
    case Endpoint::ShowSession: return show(visit);
    case Endpoint::DeleteSession: return remove(visit);
    case Endpoint::SessionMessages: return messages(visit);
    case Endpoint::SessionContext: return context(visit);
    case Endpoint::ForkSession: return fork(visit);
    case Endpoint::CancelSession: return cancel(visit);
    case Endpoint::ListTools: return list_tools(visit);
    case Endpoint::Search: return search(visit);
    default: return Error{Code::Internal, "no endpoint of sessions"};
  }
}

}  // namespace

void sessions_endpoint(Workplace& with, const net::Request& request, const Route& route,
                       std::uint64_t account, const ExchangePtr& exchange) {
  if (!with.parts.sessions || !with.parts.store)
    return answer(*exchange, status_error(404, "This server keeps no sessions", "", "not_found"));
  at_desk(with, exchange, [&with, request, route, account, exchange] {
    const Visit visit{with.parts, request, route, owner_of(account),
                      Call::within(kStoreTimeout, exchange->stop())};
    const auto reply = reply_to(visit);
    if (!reply.ok()) return answer(*exchange, http_error(reply.error()));
    answer(*exchange, reply.value());
  });
}

}  // namespace hearth::api
