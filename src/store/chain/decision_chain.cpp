#include "store/chain/decision_chain.h"

#include <algorithm>
#include <limits>

#include "vault/sha256.h"

namespace hearth::store {
namespace {

constexpr const char* kLast =
    "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'decisions'), 0), "
    "coalesce((SELECT hash FROM decisions ORDER BY id DESC LIMIT 1), "
    "(SELECT hash FROM decisions_chain), '')";
constexpr const char* kInsert =
    "INSERT INTO decisions (id, owner, session_id, turn, tool, target, decision, rule, created_ms, "
    "hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
constexpr const char* kRows =
    "SELECT id, owner, session_id, turn, tool, target, decision, rule, created_ms, hash "
    "FROM decisions WHERE id > ? ORDER BY id";
constexpr const char* kFirstNewer =
    "SELECT id FROM decisions WHERE created_ms >= ? ORDER BY id LIMIT 1";
constexpr const char* kFirstKept = "SELECT id FROM decisions ORDER BY id DESC LIMIT 1 OFFSET ?";
constexpr const char* kLastToGo =
    "SELECT max(id) FROM (SELECT id FROM decisions WHERE id < ? ORDER BY id LIMIT ?)";
constexpr const char* kRemember =
    "UPDATE decisions_chain SET (after_id, hash) = "
    "(SELECT id, hash FROM decisions WHERE id = ?1) WHERE after_id < ?1";
constexpr const char* kRemove = "DELETE FROM decisions WHERE id <= ?";

std::string hash_of(const std::string& before, const DecisionRow& row) {
  vault::Sha256 sum;
  sum.add_part(before);
  for (const std::int64_t number : {row.id, row.turn, row.created_ms})
    sum.add_part(std::to_string(number));
  for (const std::string* text :
       {&row.owner, &row.session_id, &row.tool, &row.target, &row.decision, &row.rule})
    sum.add_part(*text);
  return sum.hex();
}

DecisionRow read_row(const Query& row) {
  return {.id = row.integer(0),
          .owner = row.text(1),
          .session_id = row.text(2),
          .turn = row.integer(3),
          .tool = row.text(4),
          .target = row.text(5),
          .decision = row.text(6),
          .rule = row.text(7),
          .created_ms = row.integer(8)};
}

/// Where a chain has come to.
struct Link {
  std::int64_t id = 0;
  std::string hash{};
};

Result<Link> read_link(Database& database, const char* sql) {
  TRY(Query query, database.query(sql));
  TRY(const bool found, query.next());
  if (!found) return Link{};
  return Link{query.integer(0), query.text(1)};
}

Result<std::optional<std::int64_t>> number_of(Database& database, const char* sql,
                                              std::int64_t with) {
  TRY(Query query, database.query(sql));
  TRY(const bool found, query.bind(with).next());
  if (!found || query.is_null(0)) return std::optional<std::int64_t>();
  return std::optional(query.integer(0));
}

std::string gone(std::int64_t first, std::int64_t last) {
  if (first == last) return "decision " + std::to_string(first) + " is gone";
  return "decisions " + std::to_string(first) + " to " + std::to_string(last) + " are gone";
}

/// The first row that stays.
Result<std::int64_t> first_to_stay(Database& database, const Outdated& outdated) {
  constexpr std::int64_t kNone = std::numeric_limits<std::int64_t>::max();
  if (outdated.before_ms) {
    TRY(const auto newer, number_of(database, kFirstNewer, *outdated.before_ms));
    return newer.value_or(kNone);
  }
  const auto rows = static_cast<std::int64_t>(outdated.rows_max.value_or(0));
  if (rows == 0) return kNone;
  TRY(const auto kept, number_of(database, kFirstKept, rows - 1));
  return kept.value_or(0);  // there are fewer: none goes
}

Result<std::optional<std::int64_t>> last_to_go(Database& database, std::int64_t before,
                                               std::int64_t most) {
  TRY(Query query, database.query(kLastToGo));
  TRY_VOID(query.bind(before).bind(most).next());
  if (query.is_null(0)) return std::optional<std::int64_t>();
  return std::optional(query.integer(0));
}

}  // namespace

Result<std::int64_t> add_to_chain(Database& database, DecisionRow row) {
  std::string before;
  {
    TRY(const Link last, read_link(database, kLast));
    row.id = last.id + 1;
    before = last.hash;
  }
  TRY(Query query, database.query(kInsert));
  query.bind(row.id).bind(row.owner).bind(row.session_id).bind(row.turn).bind(row.tool);
  query.bind(row.target).bind(row.decision).bind(row.rule).bind(row.created_ms);
  TRY_VOID(query.bind(hash_of(before, row)).run());
  return row.id;
}

Result<std::size_t> shorten_chain(Database& database, const Outdated& outdated, std::int64_t most) {
  TRY(const std::int64_t stays, first_to_stay(database, outdated));
  TRY(const auto last, last_to_go(database, stays, most));
  if (!last) return std::size_t{0};
  {
    TRY(Query remember, database.query(kRemember));
    TRY_VOID(remember.bind(*last).run());
  }
  TRY(Query remove, database.query(kRemove));
  TRY_VOID(remove.bind(*last).run());
  return static_cast<std::size_t>(database.changes());
}

Result<std::vector<std::string>> faults_of_chain(Database& database, std::size_t faults_max) {
  std::vector<std::string> faults;
  const auto tell = [&](std::string what) {
    if (faults.size() < faults_max) faults.push_back(std::move(what));
  };
  TRY(const Link end, read_link(database, kLast));
  TRY(Link at, read_link(database, "SELECT after_id, hash FROM decisions_chain"));
  TRY(Query rows, database.query(kRows));
  TRY_VOID(rows.bind(at.id).each([&](const Query& query) -> Result<void> {
    const DecisionRow row = read_row(query);
    const std::string hash = query.text(9);
    const bool follows = row.id == at.id + 1;
    if (!follows) tell(gone(at.id + 1, row.id - 1));
    // Behind a gap nobody knows what it was computed with; the next row shows whether it was kept.
    if (follows && hash != hash_of(at.hash, row))
      tell("decision " + std::to_string(row.id) + " is not what was recorded");
    at = {row.id, hash};
    return ok();
  }));
  if (at.id < end.id) tell(gone(at.id + 1, end.id));
  return faults;
}

}  // namespace hearth::store
