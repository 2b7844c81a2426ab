#include "store/journal.h"

#include "store/rows/rows.h"
#include "store/sessions.h"

namespace hearth::store {
namespace {

constexpr const char* kInsert =
    "INSERT OR REPLACE INTO journal (session_id, turn, round, inputs_digest, details, "
    "answer_digest, created_ms) VALUES (?, ?, ?, ?, ?, ?, ?)";
constexpr const char* kInsertText =
    "INSERT INTO journal_texts (digest, text, used_ms) VALUES (?1, ?2, ?3) "
    "ON CONFLICT (digest) DO UPDATE SET used_ms = max(used_ms, ?3)";
constexpr const char* kText = "SELECT text FROM journal_texts WHERE digest = ?";
constexpr const char* kList =
    "SELECT session_id, turn, round, inputs_digest, details, answer_digest, created_ms "
    "FROM journal WHERE session_id = ? AND turn = ? ORDER BY round LIMIT ?";

Result<JournalRow> read_row(const Query& row) {
  return JournalRow{.session_id = row.text(0),
                    .turn = small(row, 1),
                    .round = small(row, 2),
                    .inputs_digest = row.text(3),
                    .details = row.text(4),
                    .answer_digest = row.text(5),
                    .created_ms = row.integer(6)};
}

Result<void> add_text(Database& database, const JournalText& text, std::int64_t now_ms) {
  TRY(Query query, database.query(kInsertText));
  return query.bind(text.digest).bind(text.text).bind(now_ms).run();
}

}  // namespace

Result<void> Journal::add(const Call& call, const JournalRow& row,
                          const std::vector<JournalText>& texts) {
  TRY_VOID(check_bytes("inputs_digest", row.inputs_digest, kDigestBytesMax));
  TRY_VOID(check_bytes("answer_digest", row.answer_digest, kDigestBytesMax));
  TRY_VOID(check_bytes("details", row.details, kDetailsBytesMax));
  for (const JournalText& text : texts) {
    TRY_VOID(check_bytes("digest", text.digest, kDigestBytesMax));
    TRY_VOID(check_bytes("text", text.text, kTextBytesMax));
  }
  const std::int64_t now = unix_time<Millis>(time_);
  return store_.writer().write(
      call, Writer::Durability::Normal, [&](Database& database) -> Result<void> {
        TRY_VOID(require_session(database, row.session_id));
        for (const JournalText& text : texts) TRY_VOID(add_text(database, text, now));
        TRY(Query query, database.query(kInsert));
        query.bind(row.session_id).bind(std::int64_t{row.turn}).bind(std::int64_t{row.round});
        query.bind(row.inputs_digest).bind(row.details).bind(row.answer_digest);
        return query.bind(now).run();
      });
}

Result<std::vector<JournalRow>> Journal::list(const Call& call, const std::string& session_id,
                                              std::uint32_t turn) {
  return reading(store_, call, [&](Database& database) -> Result<std::vector<JournalRow>> {
    TRY(Query query, database.query(kList));
    query.bind(session_id).bind(std::int64_t{turn}).bind(at_most(kRoundsMax, kRoundsMax));
    return all_rows(query, read_row);
  });
}

Result<std::optional<std::string>> Journal::text(const Call& call, const std::string& digest) {
  return reading(store_, call, [&](Database& database) -> Result<std::optional<std::string>> {
    TRY(Query query, database.query(kText));
    TRY(const bool found, query.bind(digest).next());
    return found ? std::optional(query.text(0)) : std::nullopt;
  });
}

}  // namespace hearth::store
