#include "store/transcript.h"

#include <cstring>

#include "base/fields.h"
#include "chat/message_json.h"
#include "store/rows/rows.h"
#include "store/rows/words.h"
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
constexpr const char* kReadTurn =
    "SELECT number, turn, role, content, details, tokens, created_ms, archived FROM messages "
    "WHERE session_id = ? AND turn = ? ORDER BY number LIMIT ?";
constexpr const char* kReadLast =
    "SELECT * FROM (SELECT number, turn, role, content, details, tokens, created_ms, archived "
    "FROM messages WHERE session_id = ? ORDER BY number DESC LIMIT ?) ORDER BY number";
// Scoring takes time for each match, and a word such as "the" is in most messages: only the latest
// are scored. CROSS keeps the order of joining, MATERIALIZED the snippets to what is given back.
constexpr const char* kSearch =
    "WITH latest AS MATERIALIZED (SELECT messages_text.rowid AS id, bm25(messages_text) AS score "
    "FROM messages_text CROSS JOIN messages AS m ON m.id = messages_text.rowid "
    "CROSS JOIN sessions AS s ON s.id = m.session_id "
    "WHERE messages_text MATCH ?1 AND s.owner = ?2 ORDER BY messages_text.rowid DESC LIMIT ?4), "
    "best AS MATERIALIZED (SELECT id, score FROM latest ORDER BY score, id DESC LIMIT ?3) "
    "SELECT m.session_id, m.number, snippet(messages_text, 0, '[', ']', '…', 24) FROM best "
    "CROSS JOIN messages_text ON messages_text.rowid = best.id "
    "CROSS JOIN messages AS m ON m.id = best.id "
    "WHERE messages_text MATCH ?1 ORDER BY best.score, best.id DESC";

// ---- what has no column of its own --------------------------------------------------------------

std::optional<std::string> details_of(const Entry& entry) {
  Json details = chat::extras_of(entry.message);
  if (!entry.model.empty()) details["model"] = entry.model;
  if (!entry.tokens_prefix.empty()) details["tokens_prefix"] = entry.tokens_prefix;
  if (entry.tokens_begin) details["tokens_begin"] = true;
  return details.empty() ? std::nullopt : std::optional(chat::json_text(details));
}

/// Errors: Corrupt.
Result<void> read_details(const std::string& text, Entry& entry) {
  if (text.empty()) return ok();
  const auto details = parse_json(text, "a stored message");
  if (!details.ok()) return Error{Code::Corrupt, details.error().message};
  entry.model = chat::text_in(details.value(), "model");
  entry.tokens_prefix = chat::text_in(details.value(), "tokens_prefix");
  entry.tokens_begin = details.value().contains("tokens_begin");
  chat::take_extras(details.value(), entry.message);
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

Result<Entry> read_entry(const Query& row) {
  Entry entry;
  entry.number = small(row, 0);
  entry.turn = small(row, 1);
  entry.message.role = chat::role_of(row.text(2));
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

}  // namespace

Result<std::uint32_t> Transcript::append_within(Database& database, const std::string& session_id,
                                                const std::vector<Entry>& entries,
                                                std::int64_t now_ms) {
  TRY(Query next, database.query(kNext));
  TRY(const bool found, next.bind(session_id).next());
  if (!found) return no_session(session_id);
  const std::uint32_t first = small(next, 0);
  std::uint32_t number = first;
  for (const Entry& entry : entries) TRY_VOID(add(database, session_id, entry, number++, now_ms));
  TRY(Query used, database.query("UPDATE sessions SET used_ms = ? WHERE id = ?"));
  TRY_VOID(used.bind(now_ms).bind(session_id).run());
  return first;
}

Result<std::uint32_t> Transcript::append(const Call& call, const std::string& session_id,
                                         const std::vector<Entry>& entries) {
  const std::int64_t now = unix_time<Millis>(time_);
  return writing(store_, call, Writer::Durability::Full, [&](Database& database) {
    return append_within(database, session_id, entries, now);
  });
}

Result<std::vector<Entry>> Transcript::read(const Call& call, const std::string& session_id,
                                            std::uint32_t number, std::size_t count) {
  return reading(store_, call, [&](Database& database) -> Result<std::vector<Entry>> {
    TRY(Query query, database.query(kRead));
    query.bind(session_id).bind(std::int64_t{number}).bind(at_most(count, kReadMax));
    return all_rows(query, read_entry);
  });
}

Result<std::vector<Entry>> Transcript::read_last(const Call& call, const std::string& session_id,
                                                 std::size_t count) {
  return reading(store_, call, [&](Database& database) -> Result<std::vector<Entry>> {
    TRY(Query query, database.query(kReadLast));
    query.bind(session_id).bind(at_most(count, kReadMax));
    return all_rows(query, read_entry);
  });
}

Result<std::vector<Entry>> Transcript::read_turn(const Call& call, const std::string& session_id,
                                                 std::uint32_t turn) {
  return reading(store_, call, [&](Database& database) -> Result<std::vector<Entry>> {
    TRY(Query query, database.query(kReadTurn));
    query.bind(session_id).bind(std::int64_t{turn}).bind(at_most(kReadMax, kReadMax));
    return all_rows(query, read_entry);
  });
}

Result<std::vector<Found>> Transcript::search(const Call& call, const std::string& owner,
                                              const std::string& words, std::size_t count) {
  if (words.size() > kSearchBytesMax)
    return Error{Code::TooLarge,
                 "a search has at most " + std::to_string(kSearchBytesMax) + " bytes", "query"};
  const std::vector<std::string> phrases = phrases_of(words);
  if (phrases.empty()) return std::vector<Found>();
  return reading(store_, call, [&](Database& database) -> Result<std::vector<Found>> {
    TRY(Query query, database.query(kSearch));
    query.bind(all_of(phrases)).bind(owner).bind(at_most(count, kFoundMax));
    query.bind(at_most(kScoredMax, kScoredMax));
    return all_rows(query, [](const Query& row) -> Result<Found> {
      return Found{.session_id = row.text(0), .number = small(row, 1), .snippet = row.text(2)};
    });
  });
}

}  // namespace hearth::store
