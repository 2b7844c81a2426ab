#include "store/summaries.h"

#include "store/rows/rows.h"
#include "store/sessions.h"

namespace hearth::store {
namespace {

constexpr const char* kInsert =
    "INSERT OR REPLACE INTO summaries (session_id, number, text, model, before_tokens, "
    "after_tokens, told, created_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
constexpr const char* kArchive =
    "UPDATE messages SET archived = 1 WHERE session_id = ? AND number < ? AND archived = 0";
#define SUMMARY_COLUMNS                                                                    \
  "SELECT session_id, number, text, model, before_tokens, after_tokens, told, created_ms " \
  "FROM summaries WHERE session_id = ?1 "
constexpr const char* kLatest = SUMMARY_COLUMNS "ORDER BY number DESC LIMIT 1";
constexpr const char* kByNumber = SUMMARY_COLUMNS "AND number = ?2";
#undef SUMMARY_COLUMNS
constexpr const char* kTold = "UPDATE summaries SET told = 1 WHERE session_id = ? AND told = 0";

Summary read_summary(const Query& row) {
  return {.session_id = row.text(0),
          .number = small(row, 1),
          .text = row.text(2),
          .model = row.text(3),
          .before_tokens = small(row, 4),
          .after_tokens = small(row, 5),
          .told = row.integer(6) != 0,
          .created_ms = row.integer(7)};
}

}  // namespace

Result<void> Summaries::put(const Call& call, const Summary& summary) {
  TRY_VOID(check_bytes("text", summary.text, kTextBytesMax));
  const std::int64_t now = unix_time<Millis>(time_);
  const auto work = [&](Database& database) -> Result<void> {
    TRY_VOID(require_session(database, summary.session_id));
    TRY(Query archive, database.query(kArchive));
    TRY_VOID(archive.bind(summary.session_id).bind(std::int64_t{summary.number}).run());
    TRY(Query insert, database.query(kInsert));
    insert.bind(summary.session_id).bind(std::int64_t{summary.number}).bind(summary.text);
    insert.bind(summary.model).bind(std::int64_t{summary.before_tokens});
    insert.bind(std::int64_t{summary.after_tokens}).bind(std::int64_t{summary.told ? 1 : 0});
    return insert.bind(now).run();
  };
  return store_.writer().write(call, Writer::Durability::Full, work);
}

Result<std::optional<Summary>> Summaries::latest(const Call& call, const std::string& session_id) {
  return reading(store_, call, [&](Database& database) -> Result<std::optional<Summary>> {
    TRY(Query query, database.query(kLatest));
    TRY(const bool found, query.bind(session_id).next());
    return found ? std::optional(read_summary(query)) : std::nullopt;
  });
}

Result<std::optional<Summary>> Summaries::find(const Call& call, const std::string& session_id,
                                               std::uint32_t number) {
  return reading(store_, call, [&](Database& database) -> Result<std::optional<Summary>> {
    TRY(Query query, database.query(kByNumber));
    TRY(const bool found, query.bind(session_id).bind(std::int64_t{number}).next());
    return found ? std::optional(read_summary(query)) : std::nullopt;
  });
}

Result<void> Summaries::mark_told(const Call& call, const std::string& session_id) {
  return store_.writer().write(call, Writer::Durability::Normal,
                               [&](Database& database) -> Result<void> {
                                 TRY(Query query, database.query(kTold));
                                 return query.bind(session_id).run();
                               });
}

}  // namespace hearth::store
