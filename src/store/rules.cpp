#include "store/rules.h"

#include "base/fields.h"
#include "store/rows/rows.h"
#include "store/sessions.h"

namespace hearth::store {
namespace {

constexpr Names<3> kKinds = {"exact", "wildcard", "regex"};
constexpr Names<2> kDecisions = {"allow", "deny"};

constexpr const char* kList =
    "SELECT id, owner, tool, kind, pattern, decision, session_id, expires_ms, created_ms "
    "FROM rules WHERE owner = ?1 AND (session_id IS NULL OR session_id = ?2) "
    "AND (expires_ms IS NULL OR expires_ms > ?3) ORDER BY id";
constexpr const char* kSame =
    "SELECT id FROM rules WHERE owner = ? AND tool = ? AND kind = ? AND pattern = ? "
    "AND decision = ? AND coalesce(session_id, '') = ?";
constexpr const char* kCount =
    "SELECT count(*) FROM rules WHERE owner = ? AND (expires_ms IS NULL OR expires_ms > ?)";
constexpr const char* kInsert =
    "INSERT INTO rules (owner, tool, kind, pattern, decision, session_id, expires_ms, created_ms) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?)";

Result<Rule> read_rule(const Query& row) {
  Rule rule{.id = row.integer(0),
            .owner = row.text(1),
            .tool = row.text(2),
            .pattern = row.text(4),
            .session_id = optional_text(row, 6),
            .expires_ms = optional_integer(row, 7),
            .created_ms = row.integer(8)};
  TRY(rule.kind, value_in<Rule::Kind>(kKinds, row.text(3)));
  TRY(rule.decision, value_in<Rule::Decision>(kDecisions, row.text(5)));
  return rule;
}

Result<void> check_rule(const Rule& rule, std::int64_t now_ms) {
  TRY_VOID(check_text("tool", rule.tool, Rules::kToolBytesMax));
  TRY_VOID(check_text("pattern", rule.pattern, Rules::kPatternBytesMax));
  const bool is_over = rule.expires_ms && *rule.expires_ms <= now_ms;
  return is_over ? Result<void>(field_error("expires", "is over already")) : ok();
}

Result<std::optional<std::int64_t>> same(Database& database, const Rule& rule) {
  TRY(Query query, database.query(kSame));
  query.bind(rule.owner).bind(rule.tool).bind(name_in(kKinds, rule.kind)).bind(rule.pattern);
  query.bind(name_in(kDecisions, rule.decision)).bind(rule.session_id.value_or(""));
  TRY(const bool found, query.next());
  return found ? std::optional(query.integer(0)) : std::nullopt;
}

Result<void> check_count(Database& database, const std::string& owner, std::int64_t now_ms) {
  TRY(Query query, database.query(kCount));
  TRY_VOID(query.bind(owner).bind(now_ms).next());
  if (query.integer(0) < static_cast<std::int64_t>(Rules::kRulesMax)) return ok();
  return Error{
      Code::TooLarge,
      "rules: at most " + std::to_string(Rules::kRulesMax) + " are kept; remove some first",
      "rules"};
}

}  // namespace

const char* rule_kind_name(Rule::Kind kind) { return name_in(kKinds, kind); }
const char* rule_decision_name(Rule::Decision decision) { return name_in(kDecisions, decision); }

Result<std::int64_t> Rules::add_within(Database& database, const Rule& rule, std::int64_t now_ms) {
  TRY_VOID(check_rule(rule, now_ms));
  if (rule.session_id) TRY_VOID(require_session(database, *rule.session_id, rule.owner));
  TRY(const auto known, same(database, rule));
  if (known) {
    TRY(Query query, database.query("UPDATE rules SET expires_ms = ? WHERE id = ?"));
    TRY_VOID(query.bind_or_null(rule.expires_ms).bind(*known).run());
    return *known;
  }
  TRY_VOID(check_count(database, rule.owner, now_ms));
  TRY(Query query, database.query(kInsert));
  query.bind(rule.owner).bind(rule.tool).bind(name_in(kKinds, rule.kind)).bind(rule.pattern);
  query.bind(name_in(kDecisions, rule.decision)).bind_or_null(rule.session_id);
  TRY_VOID(query.bind_or_null(rule.expires_ms).bind(now_ms).run());
  return database.added_id();
}

Result<std::int64_t> Rules::add(const Call& call, const Rule& rule) {
  const std::int64_t now = unix_time<Millis>(time_);
  return writing(store_, call, Writer::Durability::Full,
                 [&](Database& database) { return add_within(database, rule, now); });
}

Result<std::vector<Rule>> Rules::list(const Call& call, const std::string& owner,
                                      const std::optional<std::string>& session_id) {
  const std::int64_t now = unix_time<Millis>(time_);
  return reading(store_, call, [&](Database& database) -> Result<std::vector<Rule>> {
    TRY(Query query, database.query(kList));
    query.bind(owner).bind_or_null(session_id).bind(now);
    return all_rows(query, read_rule);
  });
}

Result<void> Rules::remove(const Call& call, const std::string& owner, std::int64_t id) {
  return store_.writer().write(
      call, Writer::Durability::Full, [&](Database& database) -> Result<void> {
        TRY(Query query, database.query("DELETE FROM rules WHERE owner = ? AND id = ?"));
        TRY_VOID(query.bind(owner).bind(id).run());
        return database.changes() > 0 ? ok()
                                      : Result<void>(nothing_called("rule", std::to_string(id)));
      });
}

}  // namespace hearth::store
