#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "store/sqlite/database.h"

namespace hearth::store {

// What was decided, as a chain: who changes or removes a row must compute every later one again.
// It guards against mistakes and against those who may write into the file but do not know how; it
// has no key, so whoever can run this program can make a chain that holds.

/// The columns of a decision, as they are kept.
struct DecisionRow {
  std::int64_t id = 0;
  std::string owner, session_id;
  std::int64_t turn = 0;
  std::string tool, target, decision, rule;
  std::int64_t created_ms = 0;
};

/// Adds a row to the end and gives its number: `row.id` is not looked at. For work of the writer's.
/// Errors: those of Query::next().
Result<std::int64_t> add_to_chain(Database& database, DecisionRow row);

/// Which decisions go: those made before a time, or all but the newest `rows_max`.
struct Outdated {
  std::optional<std::int64_t> before_ms{};
  std::optional<std::size_t> rows_max{};
};
/// Removes at most `most` of the oldest and remembers what the next one follows. Only a beginning
/// of the chain goes: one that was recorded after a newer one, by a clock that was set back, waits
/// for it. Gives how many. For work of the writer's. Errors: those of Query::next().
Result<std::size_t> shorten_chain(Database& database, const Outdated& outdated, std::int64_t most);

/// Follows the whole chain. Gives a sentence for each place where it does not hold, at most
/// `faults_max`: "decision 17 is not what was recorded", "decisions 4 to 6 are gone". The file has
/// schema 4 at least. Errors: those of Query::next().
Result<std::vector<std::string>> faults_of_chain(Database& database, std::size_t faults_max);

}  // namespace hearth::store
