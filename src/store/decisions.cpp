#include "store/decisions.h"

#include "store/chain/decision_chain.h"
#include "store/rows/rows.h"

namespace hearth::store {
namespace {

constexpr Names<3> kWhats = {"allow", "ask", "deny"};

constexpr const char* kList =
    "SELECT id, owner, session_id, turn, tool, target, decision, rule, created_ms FROM decisions "
    "WHERE owner = ?1 AND (?2 IS NULL OR session_id = ?2) AND (?3 IS NULL OR id < ?3) "
    "ORDER BY id DESC LIMIT ?4";

Result<Decision> read_decision(const Query& row) {
  Decision decision{.id = row.integer(0),
                    .owner = row.text(1),
                    .session_id = row.text(2),
                    .turn = small(row, 3),
                    .tool = row.text(4),
                    .target = row.text(5),
                    .rule = row.text(7),
                    .created_ms = row.integer(8)};
  TRY(decision.what, value_in<Decision::What>(kWhats, row.text(6)));
  return decision;
}

}  // namespace

const char* decision_name(Decision::What what) { return name_in(kWhats, what); }

Result<std::int64_t> Decisions::record_within(Database& database, const Decision& decision,
                                              std::int64_t now_ms) {
  return add_to_chain(database, {.owner = decision.owner,
                                 .session_id = decision.session_id,
                                 .turn = decision.turn,
                                 .tool = cut_to(decision.tool, kNameBytesMax),
                                 .target = cut_to(decision.target, kTextBytesMax),
                                 .decision = name_in(kWhats, decision.what),
                                 .rule = cut_to(decision.rule, kNameBytesMax),
                                 .created_ms = now_ms});
}

Result<std::int64_t> Decisions::record(const Call& call, const Decision& decision) {
  const std::int64_t now = unix_time<Millis>(time_);
  return writing(store_, call, Writer::Durability::Normal,
                 [&](Database& database) { return record_within(database, decision, now); });
}

Result<std::vector<Decision>> Decisions::list(const Call& call, const std::string& owner,
                                              const std::optional<std::string>& session_id,
                                              std::size_t count,
                                              const std::optional<std::int64_t>& before) {
  return reading(store_, call, [&](Database& database) -> Result<std::vector<Decision>> {
    TRY(Query query, database.query(kList));
    query.bind(owner).bind_or_null(session_id).bind_or_null(before);
    query.bind(at_most(count, kListMax));
    return all_rows(query, read_decision);
  });
}

}  // namespace hearth::store
