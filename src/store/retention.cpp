#include "store/retention.h"

#include <algorithm>

#include "store/chain/decision_chain.h"
#include "store/rows/rows.h"

namespace hearth::store {
namespace {

/// A table whose rows end at some time, and how that is called there.
struct Kind {
  const char* table;
  const char* time;         // null as long as a row has not ended
  std::string spared = "";  // a condition: such rows stay
};

std::string unless_spared(const Kind& kind) {
  return kind.spared.empty() ? "" : " AND NOT (" + kind.spared + ")";
}

constexpr std::int64_t kSteps = Retention::kSweepRowsMax;

constexpr const char* kRules =
    "DELETE FROM rules WHERE id IN (SELECT id FROM rules WHERE expires_ms <= ?1 "
    "ORDER BY expires_ms LIMIT ?2)";
constexpr const char* kJournalTexts =
    "DELETE FROM journal_texts WHERE digest IN (SELECT digest FROM journal_texts WHERE used_ms < "
    "coalesce((SELECT min(created_ms) FROM journal), ?1) ORDER BY used_ms LIMIT ?2)";
// Their owners begin with "responses:" (store/responses.h); ';' is what follows ':'.
constexpr const char* kTalksOfResponses =
    "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE owner >= 'responses:' AND "
    "owner < 'responses;' AND ?1 = 0 AND NOT EXISTS (SELECT 1 FROM responses WHERE session_id = "
    "sessions.id) LIMIT ?2)";
constexpr const char* kArchived =
    "DELETE FROM messages WHERE id IN (SELECT m.id FROM messages AS m "
    "JOIN sessions AS s ON s.id = m.session_id WHERE m.archived = 1 AND m.number < "
    "(SELECT max(number) FROM messages WHERE session_id = m.session_id) "
    "ORDER BY s.used_ms, s.id, m.number LIMIT min(?2, max(0, "
    "(SELECT count(*) FROM messages WHERE archived = 1) - ?1)))";

std::int64_t before(std::int64_t now_ms, std::chrono::hours age) {
  return now_ms - std::chrono::duration_cast<Millis>(age).count();
}

/// Runs a statement that removes rows. Gives how many.
Result<std::size_t> removed(Database& database, const std::string& sql, std::int64_t first,
                            std::int64_t second) {
  TRY(Query query, database.query(sql));
  TRY_VOID(query.bind(first).bind(second).run());
  return static_cast<std::size_t>(database.changes());
}

/// The oldest of those that ended before a time.
Result<std::size_t> remove_old(Database& database, const Kind& kind, std::int64_t before_ms) {
  const std::string table = kind.table, time = kind.time;
  return removed(database,
                 "DELETE FROM " + table + " WHERE rowid IN (SELECT rowid FROM " + table +
                     " WHERE " + time + " IS NOT NULL AND " + time + " < ?1" + unless_spared(kind) +
                     " ORDER BY " + time + " LIMIT ?2)",
                 before_ms, kSteps);
}

/// The oldest of those that are more than `rows_max`.
Result<std::size_t> remove_many(Database& database, const Kind& kind, std::size_t rows_max) {
  const std::string table = kind.table, time = kind.time;
  const std::string ended = " FROM " + table + " WHERE " + time + " IS NOT NULL";
  return removed(database,
                 "DELETE FROM " + table + " WHERE rowid IN (SELECT rowid" + ended +
                     unless_spared(kind) + " ORDER BY " + time +
                     ", rowid LIMIT min(?2, max(0, (SELECT count(*)" + ended + ") - ?1)))",
                 static_cast<std::int64_t>(rows_max), kSteps);
}

/// Counts what a step removed; one that removed as much as it may has more to do.
void add_to(Swept& swept, std::size_t rows) {
  swept.rows += rows;
  swept.is_done = swept.is_done && rows < Retention::kSweepRowsMax;
}

Result<void> sweep_kind(Database& database, const Kind& kind, const Keep& keep, std::int64_t now_ms,
                        Swept& swept) {
  TRY(const std::size_t old, remove_old(database, kind, before(now_ms, keep.age_max)));
  add_to(swept, old);
  TRY(const std::size_t many, remove_many(database, kind, keep.rows_max));
  add_to(swept, many);
  return ok();
}

/// These are a chain, of which only the beginning may go.
Result<void> sweep_decisions(Database& database, const Keep& keep, std::int64_t now_ms,
                             Swept& swept) {
  for (const Outdated& outdated :
       {Outdated{.before_ms = before(now_ms, keep.age_max)}, Outdated{.rows_max = keep.rows_max}}) {
    TRY(const std::size_t rows, shorten_chain(database, outdated, kSteps));
    add_to(swept, rows);
  }
  return ok();
}

Result<Swept> sweep_all(Database& database, const RetentionLimits& limits, std::int64_t now_ms) {
  Keep inbox = limits.inbox;
  inbox.age_max = std::max(inbox.age_max, Retention::kKeyAgeMin);
  // What was paid this month counts against its cap, however much is free beside it.
  const std::string paid =
      "cost_micro > 0 AND created_ms >= " + std::to_string(before(now_ms, Retention::kPaidAgeMin));
  const std::pair<Kind, Keep> kKinds[] = {{{"inbox", "ended_ms"}, inbox},
                                          {{"outbox", "ended_ms"}, limits.outbox},
                                          {{"effects", "ended_ms"}, limits.effects},
                                          {{"approvals", "decided_ms"}, limits.approvals},
                                          {{"journal", "created_ms"}, limits.journal},
                                          {{"ledger", "ended_ms", paid}, limits.ledger},
                                          {{"responses", "ended_ms"}, limits.responses}};
  Swept swept;
  for (const auto& [kind, keep] : kKinds) TRY_VOID(sweep_kind(database, kind, keep, now_ms, swept));
  TRY_VOID(sweep_decisions(database, limits.decisions, now_ms, swept));
  TRY(const std::size_t rules, removed(database, kRules, now_ms, kSteps));
  add_to(swept, rules);
  TRY(const std::size_t talks, removed(database, kTalksOfResponses, 0, kSteps));
  add_to(swept, talks);
  // No row that was kept is older than the last use of what it names.
  TRY(const std::size_t texts, removed(database, kJournalTexts, INT64_MAX, kSteps));
  add_to(swept, texts);
  if (!limits.archived_messages_max) return swept;
  TRY(const std::size_t archived,
      removed(database, kArchived, static_cast<std::int64_t>(*limits.archived_messages_max),
              kSteps));
  add_to(swept, archived);
  return swept;
}

}  // namespace

Result<Swept> Retention::sweep(const Call& call, const RetentionLimits& limits) {
  const std::int64_t now = unix_time<Millis>(time_);
  return writing(store_, call, Writer::Durability::Normal,
                 [&](Database& database) { return sweep_all(database, limits, now); });
}

}  // namespace hearth::store
