#include "store/approvals.h"

#include "base/fields.h"
#include "base/random.h"
#include "store/rows/rows.h"
#include "store/sessions.h"

namespace hearth::store {
namespace {

using State = Approval::State;
constexpr Names<4> kStates = {"waiting", "allowed", "denied", "expired"};
constexpr Names<3> kScopes = {"once", "session", "always"};

// A macro, because a statement's text is a literal.
#define APPROVAL_COLUMNS                                                                   \
  "SELECT id, session_id, owner, turn, call_id, tool, target, arguments, preview, state, " \
  "scope, decided_by, created_ms, expires_ms, decided_ms FROM approvals "
constexpr const char* kById = APPROVAL_COLUMNS "WHERE id = ? AND owner = ?";
constexpr const char* kByCall =
    APPROVAL_COLUMNS "WHERE session_id = ? AND turn = ? AND call_id = ?";
constexpr const char* kWaiting = APPROVAL_COLUMNS
    "WHERE state = 'waiting' AND owner = ?1 AND expires_ms > ?2 "
    "AND (?3 IS NULL OR session_id = ?3) ORDER BY created_ms, rowid LIMIT ?4";
constexpr const char* kOfTurn =
    APPROVAL_COLUMNS "WHERE session_id = ? AND turn = ? ORDER BY rowid LIMIT ?";
constexpr const char* kOver =
    APPROVAL_COLUMNS "WHERE state = 'waiting' AND expires_ms <= ? ORDER BY rowid LIMIT ?";
#undef APPROVAL_COLUMNS

constexpr const char* kCount =
    "SELECT count(*) FROM approvals WHERE state = 'waiting' AND owner = ? AND session_id = ? "
    "AND expires_ms > ?";
constexpr const char* kInsert =
    "INSERT INTO approvals (id, session_id, owner, turn, call_id, tool, target, arguments, "
    "preview, state, created_ms, expires_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'waiting', ?, ?)";
constexpr const char* kDecide =
    "UPDATE approvals SET state = ?, scope = ?, decided_by = ?, decided_ms = ? WHERE id = ?";

Result<Approval> read_approval(const Query& row) {
  Approval approval{.id = row.text(0),
                    .asked = {.session_id = row.text(1),
                              .owner = row.text(2),
                              .turn = small(row, 3),
                              .call_id = row.text(4),
                              .tool = row.text(5),
                              .target = row.text(6),
                              .arguments = row.text(7),
                              .preview = row.text(8),
                              .expires_ms = row.integer(13)},
                    .decided_by = row.text(11),
                    .created_ms = row.integer(12),
                    .decided_ms = optional_integer(row, 14)};
  TRY(approval.state, value_in<State>(kStates, row.text(9)));
  TRY(approval.scope, value_in<ApprovalScope>(kScopes, row.text(10)));
  return approval;
}

/// One whose time is over has expired, whether or not that was written down yet.
Approval as_of(Approval approval, std::int64_t now_ms) {
  if (approval.state != State::Waiting || approval.asked.expires_ms > now_ms) return approval;
  approval.state = State::Expired;
  approval.decided_ms = approval.asked.expires_ms;
  return approval;
}

Result<void> check_asked(const Asked& asked) {
  TRY_VOID(check_text("call_id", asked.call_id, Approvals::kNameBytesMax));
  TRY_VOID(check_text("tool", asked.tool, Approvals::kNameBytesMax));
  TRY_VOID(check_bytes("target", asked.target, Approvals::kTargetBytesMax));
  return check_bytes("arguments", asked.arguments, Approvals::kTextBytesMax);
}

Result<void> check_waiting(Database& database, const Asked& asked, std::int64_t now_ms) {
  TRY(Query query, database.query(kCount));
  TRY_VOID(query.bind(asked.owner).bind(asked.session_id).bind(now_ms).next());
  if (query.integer(0) < static_cast<std::int64_t>(Approvals::kWaitingMax)) return ok();
  return Error{Code::Busy, "at most " + std::to_string(Approvals::kWaitingMax) +
                               " approvals may wait in one session"};
}

Result<Approval> insert(Database& database, const Asked& asked, std::int64_t now_ms) {
  TRY_VOID(require_session(database, asked.session_id, asked.owner));
  TRY_VOID(check_waiting(database, asked, now_ms));
  Approval made{.id = random_id("appr_"), .asked = asked, .created_ms = now_ms};
  made.asked.preview = cut_to(asked.preview, Approvals::kTextBytesMax);
  TRY(Query query, database.query(kInsert));
  query.bind(made.id).bind(asked.session_id).bind(asked.owner).bind(std::int64_t{asked.turn});
  query.bind(asked.call_id).bind(asked.tool).bind(asked.target).bind(asked.arguments);
  TRY_VOID(query.bind(made.asked.preview).bind(now_ms).bind(asked.expires_ms).run());
  return made;
}

Result<void> write_decision(Database& database, const Approval& approval) {
  TRY(Query query, database.query(kDecide));
  query.bind(name_in(kStates, approval.state)).bind(name_in(kScopes, approval.scope));
  query.bind(approval.decided_by).bind_or_null(approval.decided_ms);
  return query.bind(approval.id).run();
}

Result<Approval> find_within(Database& database, const std::string& owner, const std::string& id,
                             std::int64_t now_ms) {
  TRY(Query query, database.query(kById));
  TRY(const bool found, query.bind(id).bind(owner).next());
  if (!found) return nothing_called("approval", id);
  TRY(Approval approval, read_approval(query));
  return as_of(std::move(approval), now_ms);
}

Error is_decided(const Approval& approval) {
  if (approval.state == State::Expired)
    return field_error("approval", "has expired; nobody decided in time");
  return field_error("approval", std::string("was already ") + name_in(kStates, approval.state) +
                                     " (" + name_in(kScopes, approval.scope) + ") by " +
                                     approval.decided_by);
}

}  // namespace

const char* approval_scope_name(ApprovalScope scope) { return name_in(kScopes, scope); }
const char* approval_state_name(State state) { return name_in(kStates, state); }

Result<Approval> Approvals::ask(const Call& call, const Asked& asked) {
  TRY_VOID(check_asked(asked));
  const std::int64_t now = unix_time<Millis>(time_);
  return writing(store_, call, Writer::Durability::Full,
                 [&](Database& database) -> Result<Approval> {
                   TRY(Query known, database.query(kByCall));
                   known.bind(asked.session_id).bind(std::int64_t{asked.turn});
                   TRY(const bool found, known.bind(asked.call_id).next());
                   if (!found) return insert(database, asked, now);
                   TRY(Approval earlier, read_approval(known));
                   if (earlier.asked.owner != asked.owner) return no_session(asked.session_id);
                   return as_of(std::move(earlier), now);
                 });
}

Result<Approval> Approvals::find(const Call& call, const std::string& owner,
                                 const std::string& id) {
  const std::int64_t now = unix_time<Millis>(time_);
  return reading(store_, call,
                 [&](Database& database) { return find_within(database, owner, id, now); });
}

Result<std::vector<Approval>> Approvals::waiting(const Call& call, const std::string& owner,
                                                 const std::optional<std::string>& session_id) {
  const std::int64_t now = unix_time<Millis>(time_);
  return reading(store_, call, [&](Database& database) -> Result<std::vector<Approval>> {
    TRY(Query query, database.query(kWaiting));
    query.bind(owner).bind(now).bind_or_null(session_id).bind(at_most(kListMax, kListMax));
    return all_rows(query, read_approval);
  });
}

Result<std::vector<Approval>> Approvals::of_turn_within(Database& database,
                                                        const std::string& session_id,
                                                        std::uint32_t turn, std::int64_t now_ms) {
  TRY(Query query, database.query(kOfTurn));
  query.bind(session_id).bind(std::int64_t{turn}).bind(at_most(kListMax, kListMax));
  return all_rows(query, [now_ms](const Query& row) -> Result<Approval> {
    TRY(Approval approval, read_approval(row));
    return as_of(std::move(approval), now_ms);
  });
}

Result<std::vector<Approval>> Approvals::of_turn(const Call& call, const std::string& session_id,
                                                 std::uint32_t turn) {
  const std::int64_t now = unix_time<Millis>(time_);
  return reading(store_, call, [&](Database& database) {
    return of_turn_within(database, session_id, turn, now);
  });
}

Result<Approval> Approvals::decide_within(Database& database, const std::string& owner,
                                          const std::string& id, const Verdict& verdict,
                                          std::int64_t now_ms) {
  TRY_VOID(check_bytes("by", verdict.by, kNameBytesMax));
  TRY(Approval approval, find_within(database, owner, id, now_ms));
  if (approval.state != State::Waiting) return is_decided(approval);
  approval.state = verdict.allow ? State::Allowed : State::Denied;
  approval.scope = verdict.scope;
  approval.decided_by = verdict.by;
  approval.decided_ms = now_ms;
  TRY_VOID(write_decision(database, approval));
  return approval;
}

Result<Approval> Approvals::decide(const Call& call, const std::string& owner,
                                   const std::string& id, const Verdict& verdict,
                                   const std::optional<Rule>& learned) {
  const std::int64_t now = unix_time<Millis>(time_);
  return writing(store_, call, Writer::Durability::Full,
                 [&](Database& database) -> Result<Approval> {
                   TRY(Approval approval, decide_within(database, owner, id, verdict, now));
                   if (learned) TRY_VOID(Rules::add_within(database, *learned, now));
                   return approval;
                 });
}

Result<std::vector<Approval>> Approvals::expire(const Call& call) {
  const std::int64_t now = unix_time<Millis>(time_);
  const auto work = [now](Database& database) -> Result<std::vector<Approval>> {
    TRY(Query over, database.query(kOver));
    TRY(std::vector<Approval> all,
        all_rows(over.bind(now).bind(at_most(kListMax, kListMax)), read_approval));
    for (Approval& approval : all) {
      approval = as_of(std::move(approval), now);
      TRY_VOID(write_decision(database, approval));
    }
    return all;
  };
  return writing(store_, call, Writer::Durability::Normal, work);
}

}  // namespace hearth::store
