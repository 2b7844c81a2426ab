#include "store/memories.h"

#include "store/rows/rows.h"
#include "store/rows/words.h"

namespace hearth::store {
namespace {

constexpr const char* kAgain =
    "UPDATE memories SET kind = ?, used_ms = ? WHERE owner = ? AND text = ?";
constexpr const char* kByText =
    "SELECT id, owner, text, kind, created_ms, used_ms FROM memories WHERE owner = ? AND text = ?";
constexpr const char* kInsert =
    "INSERT INTO memories (owner, text, kind, created_ms, used_ms) VALUES (?1, ?2, ?3, ?4, ?4)";
constexpr const char* kList =
    "SELECT id, owner, text, kind, created_ms, used_ms FROM memories WHERE owner = ? "
    "ORDER BY used_ms DESC, id DESC LIMIT ? OFFSET ?";
constexpr const char* kRecall =
    "SELECT m.id, m.owner, m.text, m.kind, m.created_ms, m.used_ms FROM memories_text "
    "JOIN memories AS m ON m.id = memories_text.rowid "
    "WHERE memories_text MATCH ? AND m.owner = ? ORDER BY rank LIMIT ?";

Result<Memory> read_memory(const Query& row) {
  return Memory{.id = row.integer(0),
                .owner = row.text(1),
                .text = row.text(2),
                .kind = row.text(3),
                .created_ms = row.integer(4),
                .used_ms = row.integer(5)};
}

Result<void> check_count(Database& database, const std::string& owner) {
  TRY(Query query, database.query("SELECT count(*) FROM memories WHERE owner = ?"));
  TRY_VOID(query.bind(owner).next());
  if (query.integer(0) < static_cast<std::int64_t>(Memories::kMemoriesMax)) return ok();
  return Error{Code::TooLarge,
               "memories: at most " + std::to_string(Memories::kMemoriesMax) +
                   " are kept; forget some first",
               "memories"};
}

Result<void> insert(Database& database, const std::string& owner, const std::string& text,
                    const std::string& kind, std::int64_t now_ms) {
  TRY_VOID(check_count(database, owner));
  TRY(Query query, database.query(kInsert));
  return query.bind(owner).bind(text).bind(kind).bind(now_ms).run();
}

Result<std::vector<Memory>> matching(Database& database, const std::string& owner,
                                     const std::string& search, std::size_t count) {
  TRY(Query query, database.query(kRecall));
  query.bind(search).bind(owner).bind(at_most(count, Memories::kListMax));
  return all_rows(query, read_memory);
}

}  // namespace

Result<Memory> Memories::remember(const Call& call, const std::string& owner,
                                  const std::string& text, const std::string& kind) {
  TRY_VOID(check_text("text", text, kTextBytesMax));
  TRY_VOID(check_bytes("kind", kind, kKindBytesMax));
  const std::int64_t now = unix_time<Millis>(time_);
  return writing(store_, call, Writer::Durability::Full, [&](Database& database) -> Result<Memory> {
    TRY(Query again, database.query(kAgain));
    TRY_VOID(again.bind(kind).bind(now).bind(owner).bind(text).run());
    if (database.changes() == 0) TRY_VOID(insert(database, owner, text, kind, now));
    TRY(Query made, database.query(kByText));
    TRY_VOID(made.bind(owner).bind(text).next());
    return read_memory(made);
  });
}

Result<std::vector<Memory>> Memories::recall(const Call& call, const std::string& owner,
                                             const std::string& words, std::size_t count) {
  std::vector<std::string> phrases = phrases_of(words);
  if (phrases.size() > kWordsMax) phrases.resize(kWordsMax);
  if (phrases.empty()) return std::vector<Memory>();
  return reading(store_, call, [&](Database& database) -> Result<std::vector<Memory>> {
    TRY(auto best, matching(database, owner, all_of(phrases), count));
    if (!best.empty() || phrases.size() == 1) return best;
    return matching(database, owner, any_of(phrases), count);
  });
}

Result<void> Memories::mark_used(const Call& call, const std::string& owner,
                                 const std::vector<std::int64_t>& ids) {
  const std::int64_t now = unix_time<Millis>(time_);
  return store_.writer().write(
      call, Writer::Durability::Normal, [&](Database& database) -> Result<void> {
        for (const std::int64_t id : ids) {
          TRY(Query query,
              database.query("UPDATE memories SET used_ms = ? WHERE owner = ? AND id = ?"));
          TRY_VOID(query.bind(now).bind(owner).bind(id).run());
        }
        return ok();
      });
}

Result<std::vector<Memory>> Memories::list(const Call& call, const std::string& owner,
                                           std::size_t count, std::size_t skip) {
  return reading(store_, call, [&](Database& database) -> Result<std::vector<Memory>> {
    TRY(Query query, database.query(kList));
    query.bind(owner).bind(at_most(count, kListMax)).bind(static_cast<std::int64_t>(skip));
    return all_rows(query, read_memory);
  });
}

Result<void> Memories::forget(const Call& call, const std::string& owner, std::int64_t id) {
  return store_.writer().write(
      call, Writer::Durability::Full, [&](Database& database) -> Result<void> {
        TRY(Query query, database.query("DELETE FROM memories WHERE owner = ? AND id = ?"));
        TRY_VOID(query.bind(owner).bind(id).run());
        return database.changes() > 0 ? ok()
                                      : Result<void>(nothing_called("memory", std::to_string(id)));
      });
}

}  // namespace hearth::store
