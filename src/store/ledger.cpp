#include "store/ledger.h"

#include "base/fields.h"
#include "store/rows/rows.h"

namespace hearth::store {
namespace {

constexpr const char* kSwitch = "spending-stopped";
constexpr const char* kInsert =
    "INSERT INTO ledger (state, created_ms, ended_ms, owner, session_id, purpose, provider, model, "
    "cost_micro, input_tokens, cache_read_tokens, cache_write_tokens, output_tokens, computed_ms) "
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)";
constexpr const char* kEnd =
    "UPDATE ledger SET state = ?2, ended_ms = ?3, cost_micro = ?4, input_tokens = ?5, "
    "cache_read_tokens = ?6, cache_write_tokens = ?7, output_tokens = ?8, computed_ms = ?9 "
    "WHERE id = ?1";
constexpr const char* kOfTime =
    "SELECT coalesce(sum(cost_micro), 0), "
    "coalesce(sum(cost_micro) FILTER (WHERE created_ms >= ?1), 0), "
    "coalesce(sum(cost_micro) FILTER (WHERE created_ms >= ?1 AND owner = ?3), 0), "
    "coalesce(sum(cost_micro) FILTER (WHERE created_ms >= ?1 AND purpose = ?4), 0) "
    "FROM ledger WHERE created_ms >= ?2 AND cost_micro > 0";
constexpr const char* kOfSession =
    "SELECT coalesce(sum(cost_micro), 0) FROM ledger WHERE session_id = ? AND cost_micro > 0";

Result<void> check_expense(const Expense& expense) {
  TRY_VOID(check_bytes("owner", expense.owner, Ledger::kNameBytesMax));
  TRY_VOID(check_bytes("session_id", expense.session_id, Ledger::kNameBytesMax));
  TRY_VOID(check_text("provider", expense.provider, Ledger::kNameBytesMax));
  return check_text("model", expense.model, Ledger::kNameBytesMax);
}

std::int64_t signed_of(std::uint64_t number) { return static_cast<std::int64_t>(number); }

/// The five numbers that a row ends with.
void bind_consumption(Query& query, const Consumption& taken) {
  query.bind(signed_of(taken.input_tokens)).bind(signed_of(taken.cache_read_tokens));
  query.bind(signed_of(taken.cache_write_tokens)).bind(signed_of(taken.output_tokens));
  query.bind(signed_of(taken.computed_ms));
}

Consumption read_consumption(const Query& row, int first) {
  const auto number = [&](int column) {
    return static_cast<std::uint64_t>(row.integer(first + column));
  };
  return {number(0), number(1), number(2), number(3), number(4)};
}

Result<void> insert(Database& database, const Expense& expense, const char* state,
                    std::int64_t now_ms, std::optional<std::int64_t> ended_ms,
                    std::int64_t cost_micro, const Consumption& taken) {
  TRY(Query query, database.query(kInsert));
  query.bind(state).bind(now_ms).bind_or_null(ended_ms).bind(expense.owner);
  query.bind(expense.session_id).bind(chat::purpose_name(expense.purpose)).bind(expense.provider);
  query.bind(expense.model).bind(cost_micro);
  bind_consumption(query, taken);
  return query.run();
}

Result<Totals> totals_within(Database& database, const Expense& expense, const Since& since) {
  TRY(Query query, database.query(kOfTime));
  query.bind(since.day_ms).bind(since.month_ms).bind(expense.owner);
  TRY_VOID(query.bind(chat::purpose_name(expense.purpose)).next());
  Totals sums{.day_micro = query.integer(1),
              .month_micro = query.integer(0),
              .owner_day_micro = query.integer(2),
              .purpose_day_micro = query.integer(3)};
  if (expense.session_id.empty()) return sums;
  TRY(Query of_session, database.query(kOfSession));
  TRY_VOID(of_session.bind(expense.session_id).next());
  sums.session_micro = of_session.integer(0);
  return sums;
}

Result<std::optional<Stopped>> stopped_within(Database& database) {
  TRY(Query query, database.query("SELECT since_ms, why FROM switches WHERE name = ?"));
  TRY(const bool found, query.bind(kSwitch).next());
  if (!found) return std::optional<Stopped>();
  return std::optional(Stopped{query.integer(0), query.text(1)});
}

Result<void> refuse_if_stopped(Database& database) {
  TRY(const auto stopped, stopped_within(database));
  if (!stopped) return ok();
  return Ledger::stopped_error(stopped->why);
}

Result<std::int64_t> reserve_within(Database& database, const Ledger::Wanted& wanted,
                                    std::int64_t now) {
  TRY_VOID(check_expense(wanted.expense));
  if (wanted.worst_micro < 0) return field_error("worst_micro", "must not be negative");
  TRY_VOID(refuse_if_stopped(database));
  TRY(const Totals sums, totals_within(database, wanted.expense, wanted.since));
  TRY_VOID(wanted.decide(sums));
  TRY_VOID(insert(database, wanted.expense, "reserved", now, {}, wanted.worst_micro, {}));
  return database.added_id();
}

}  // namespace

Result<std::int64_t> Ledger::reserve(const Call& call, const Expense& expense,
                                     std::int64_t worst_micro, const Since& since,
                                     const Decide& decide) {
  TRY(auto given, reserve(call, {Wanted{expense, worst_micro, since, decide}}));
  return std::move(given.front());
}

Result<std::vector<Result<std::int64_t>>> Ledger::reserve(const Call& call,
                                                          const std::vector<Wanted>& wanted) {
  using All = std::vector<Result<std::int64_t>>;
  const std::int64_t now = unix_time<Millis>(time_);
  return writing(store_, call, Writer::Durability::Full, [&](Database& database) -> Result<All> {
    All given;
    for (const Wanted& one : wanted) given.push_back(reserve_within(database, one, now));
    return given;
  });
}

Error Ledger::stopped_error(const std::string& why) {
  return {Code::Denied,
          "spending is stopped" + (why.empty() ? "" : " (" + why + ")") +
              "; to go on: hearth stop-spending --release",
          "budget"};
}

Result<void> Ledger::end(const Call& call, std::int64_t id, const char* state,
                         std::int64_t cost_micro, const Consumption& consumption) {
  const std::int64_t now = unix_time<Millis>(time_);
  return store_.writer().write(
      call, Writer::Durability::Normal, [&](Database& database) -> Result<void> {
        TRY(Query known, database.query("SELECT state FROM ledger WHERE id = ?"));
        TRY(const bool found, known.bind(id).next());
        if (!found) return nothing_called("expense", std::to_string(id));
        if (known.text(0) != "reserved")
          return field_error("expense",
                             "number " + std::to_string(id) + " is already " + known.text(0));
        TRY(Query query, database.query(kEnd));
        query.bind(id).bind(state).bind(now).bind(cost_micro);
        bind_consumption(query, consumption);
        return query.run();
      });
}

Result<void> Ledger::settle(const Call& call, std::int64_t id, std::int64_t cost_micro,
                            const Consumption& consumption) {
  if (cost_micro < 0) return field_error("cost_micro", "must not be negative");
  return end(call, id, "settled", cost_micro, consumption);
}

Result<void> Ledger::release(const Call& call, std::int64_t id) {
  return end(call, id, "released", 0, {});
}

Result<std::size_t> Ledger::settle_lost(const Call& call) {
  const std::int64_t now = unix_time<Millis>(time_);
  return writing(store_, call, Writer::Durability::Full,
                 [now](Database& database) -> Result<std::size_t> {
                   TRY(Query query, database.query("UPDATE ledger SET state = 'lost', ended_ms = ? "
                                                   "WHERE state = 'reserved'"));
                   TRY_VOID(query.bind(now).run());
                   return static_cast<std::size_t>(database.changes());
                 });
}

Result<void> Ledger::record_free(const Call& call, const Expense& expense,
                                 const Consumption& consumption) {
  TRY_VOID(check_expense(expense));
  const std::int64_t now = unix_time<Millis>(time_);
  return store_.writer().write(call, Writer::Durability::Normal, [&](Database& database) {
    return insert(database, expense, "settled", now, now, 0, consumption);
  });
}

Result<Totals> Ledger::totals(const Call& call, const Expense& expense, const Since& since) {
  return reading(store_, call,
                 [&](Database& database) { return totals_within(database, expense, since); });
}

Result<std::vector<Spent>> Ledger::report(const Call& call, const std::string& owner, By by,
                                          std::int64_t since_ms) {
  const char* const key = by == By::Model     ? "provider || '/' || model"
                          : by == By::Session ? "session_id"
                                              : "date(created_ms / 1000, 'unixepoch')";
  const char* const order = by == By::Day ? "1" : "3 DESC, 4 + 5 + 6 + 7 DESC, 1";
  const std::string sql =
      "SELECT " + std::string(key) +
      ", count(*), sum(cost_micro), sum(input_tokens), sum(cache_read_tokens), "
      "sum(cache_write_tokens), sum(output_tokens), sum(computed_ms) FROM ledger "
      "WHERE owner = ? AND created_ms >= ? AND state <> 'released' GROUP BY 1 ORDER BY " +
      order + " LIMIT ?";
  return reading(store_, call, [&](Database& database) -> Result<std::vector<Spent>> {
    TRY(Query query, database.query(sql));
    query.bind(owner).bind(since_ms).bind(static_cast<std::int64_t>(kReportMax));
    return all_rows(query, [](const Query& row) -> Result<Spent> {
      return Spent{.key = row.text(0),
                   .calls = static_cast<std::uint64_t>(row.integer(1)),
                   .cost_micro = row.integer(2),
                   .consumption = read_consumption(row, 3)};
    });
  });
}

Result<void> Ledger::stop(const Call& call, const std::string& why) {
  TRY_VOID(check_bytes("why", why, kWhyBytesMax));
  const std::int64_t now = unix_time<Millis>(time_);
  return store_.writer().write(
      call, Writer::Durability::Full, [&](Database& database) -> Result<void> {
        TRY(Query query, database.query("INSERT OR IGNORE INTO switches VALUES (?, ?, ?)"));
        return query.bind(kSwitch).bind(now).bind(why).run();
      });
}

Result<void> Ledger::go_on(const Call& call) {
  return store_.writer().write(
      call, Writer::Durability::Full, [&](Database& database) -> Result<void> {
        TRY(Query query, database.query("DELETE FROM switches WHERE name = ?"));
        return query.bind(kSwitch).run();
      });
}

Result<std::optional<Stopped>> Ledger::stopped(const Call& call) {
  return reading(store_, call, [](Database& database) { return stopped_within(database); });
}

}  // namespace hearth::store
