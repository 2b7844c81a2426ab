#include "store/transcript.h"

#include <algorithm>
#include <cstring>

#include "base/fields.h"
#include "base/utf8.h"
#include "store/sessions.h"
#include "store/sqlite/database.h"

namespace hearth::store {
namespace {

constexpr const char* kAppend =
    "INSERT INTO messages (session_id, number, turn, role, content, details, tokens, created_ms, "
    "archived) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0)";
constexpr const char* kNext =
    "SELECT (SELECT coalesce(max(number) + 1, 0) FROM messages WHERE session_id = s.id) "
    "FROM sessions AS s WHERE s.id = ?";
constexpr const char* kRead =
    "SELECT number, turn, role, content, details, tokens, created_ms, archived FROM messages "
    "WHERE session_id = ? AND number >= ? ORDER BY number LIMIT ?";
constexpr const char* kSearch =
    "SELECT m.session_id, m.number, snippet(messages_text, 0, '[', ']', '…', 24) "
    "FROM messages_text JOIN messages AS m ON m.id = messages_text.rowid "
    "JOIN sessions AS s ON s.id = m.session_id "
    "WHERE messages_text MATCH ? AND s.owner = ? ORDER BY rank LIMIT ?";

// ---- what has no column of its own --------------------------------------------------------------

std::optional<std::string> details_of(const Entry& entry) {
  const chat::Message& message = entry.message;
  Json details = Json::object();
  if (!entry.model.empty()) details["model"] = entry.model;
  if (!message.reasoning.empty()) details["reasoning"] = message.reasoning;
  if (!message.tool_call_id.empty()) details["tool_call_id"] = message.tool_call_id;
  if (!message.name.empty()) details["name"] = message.name;
  for (const chat::ToolCall& call : message.tool_calls)
    details["tool_calls"].push_back(
        {{"id", call.id}, {"name", call.name}, {"arguments", call.arguments}});
  return details.empty() ? std::nullopt : std::optional(details.dump());
}

std::string text_in(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

/// Errors: Corrupt.
Result<void> read_details(const std::string& text, Entry& entry) {
  if (text.empty()) return ok();
  const auto details = parse_json(text, "a stored message");
  if (!details.ok()) return Error{Code::Corrupt, details.error().message};
  entry.model = text_in(details.value(), "model");
  entry.message.reasoning = text_in(details.value(), "reasoning");
  entry.message.tool_call_id = text_in(details.value(), "tool_call_id");
  entry.message.name = text_in(details.value(), "name");
  const auto calls = details.value().find("tool_calls");
  if (calls == details.value().end()) return ok();
  for (const Json& call : *calls)
    entry.message.tool_calls.push_back({.id = text_in(call, "id"),
                                        .name = text_in(call, "name"),
                                        .arguments = text_in(call, "arguments")});
  return ok();
}

std::string bytes_of(const std::vector<std::int32_t>& tokens) {
  std::string bytes(tokens.size() * sizeof(std::int32_t), '\0');
  if (!tokens.empty()) std::memcpy(bytes.data(), tokens.data(), bytes.size());
  return bytes;
}

std::vector<std::int32_t> tokens_of(const std::string& bytes) {
  std::vector<std::int32_t> tokens(bytes.size() / sizeof(std::int32_t));
  if (!tokens.empty()) std::memcpy(tokens.data(), bytes.data(), tokens.size() * sizeof(tokens[0]));
  return tokens;
}

chat::Role role_of(const std::string& name) {
  using chat::Role;
  for (const Role role : {Role::System, Role::User, Role::Assistant})
    if (name == chat::role_name(role)) return role;
  return Role::Tool;
}

Result<Entry> read_entry(const Query& row) {
  Entry entry;
  entry.number = static_cast<std::uint32_t>(row.integer(0));
  entry.turn = static_cast<std::uint32_t>(row.integer(1));
  entry.message.role = role_of(row.text(2));
  entry.message.content = row.text(3);
  TRY_VOID(read_details(row.text(4), entry));
  entry.tokens = tokens_of(row.text(5));
  entry.created_ms = row.integer(6);
  entry.archived = row.integer(7) != 0;
  return entry;
}

Result<void> add(Database& database, const std::string& session_id, const Entry& entry,
                 std::uint32_t number, std::int64_t now_ms) {
  TRY(Query query, database.query(kAppend));
  query.bind(session_id).bind(std::int64_t{number}).bind(std::int64_t{entry.turn});
  query.bind(chat::role_name(entry.message.role)).bind(entry.message.content);
  query.bind_or_null(details_of(entry));
  if (entry.tokens.empty()) {
    query.bind_null();
  } else {
    query.bind_bytes(bytes_of(entry.tokens));
  }
  return query.bind(now_ms).run();
}

/// Each word as a phrase of FTS5's, in which nothing has a meaning but the quote, which is doubled.
std::string as_phrases(const std::string& words) {
  std::string phrases, word;
  const auto end_word = [&] {
    if (!word.empty()) phrases += (phrases.empty() ? "\"" : " \"") + word + "\"";
    word.clear();
  };
  for (const char c : words) {
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\0') {
      end_word();
    } else {
      word += c == '"' ? "\"\"" : std::string(1, c);
    }
  }
  end_word();
  return phrases;
}

}  // namespace

Result<std::uint32_t> Transcript::append(const Call& call, const std::string& session_id,
                                         const std::vector<Entry>& entries) {
  const std::int64_t now = unix_time<Millis>(time_);
  std::uint32_t first = 0;
  const auto work = [&](Database& database) -> Result<void> {
    TRY(Query next, database.query(kNext));
    TRY(const bool found, next.bind(session_id).next());
    if (!found) return no_session(session_id);
    first = static_cast<std::uint32_t>(next.integer(0));
    std::uint32_t number = first;
    for (const Entry& entry : entries) TRY_VOID(add(database, session_id, entry, number++, now));
    TRY(Query used, database.query("UPDATE sessions SET used_ms = ? WHERE id = ?"));
    return used.bind(now).bind(session_id).run();
  };
  TRY_VOID(store_.writer().write(call, Writer::Durability::Full, work));
  return first;
}

Result<std::vector<Entry>> Transcript::read(const Call& call, const std::string& session_id,
                                            std::uint32_t number, std::size_t count) {
  std::vector<Entry> all;
  TRY_VOID(store_.readers().read(call, [&](Database& database) -> Result<void> {
    TRY(Query query, database.query(kRead));
    query.bind(session_id).bind(std::int64_t{number});
    query.bind(static_cast<std::int64_t>(std::min(count, kReadMax)));
    return query.each([&all](const Query& row) -> Result<void> {
      TRY(Entry entry, read_entry(row));
      all.push_back(std::move(entry));
      return ok();
    });
  }));
  return all;
}

Result<void> Transcript::archive_before(const Call& call, const std::string& session_id,
                                        std::uint32_t number) {
  return store_.writer().write(
      call, Writer::Durability::Full, [&](Database& database) -> Result<void> {
        TRY(Query query, database.query("UPDATE messages SET archived = 1 "
                                        "WHERE session_id = ? AND number < ? AND archived = 0"));
        return query.bind(session_id).bind(std::int64_t{number}).run();
      });
}

Result<std::vector<Found>> Transcript::search(const Call& call, const std::string& owner,
                                              const std::string& words, std::size_t count) {
  if (words.size() > kSearchBytesMax)
    return Error{Code::TooLarge,
                 "a search has at most " + std::to_string(kSearchBytesMax) + " bytes", "query"};
  const std::string phrases = as_phrases(to_utf8(words));
  std::vector<Found> all;
  if (phrases.empty()) return all;
  TRY_VOID(store_.readers().read(call, [&](Database& database) -> Result<void> {
    TRY(Query query, database.query(kSearch));
    query.bind(phrases).bind(owner).bind(static_cast<std::int64_t>(std::min(count, kFoundMax)));
    return query.each([&all](const Query& row) {
      all.push_back({.session_id = row.text(0),
                     .number = static_cast<std::uint32_t>(row.integer(1)),
                     .snippet = row.text(2)});
      return ok();
    });
  }));
  return all;
}

}  // namespace hearth::store
