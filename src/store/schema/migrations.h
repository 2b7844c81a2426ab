#pragma once
#include <cstdint>
#include <span>
#include <string>

#include "base/result.h"
#include "store/sqlite/database.h"

namespace hearth::store {

/// A step from one schema to the next. Never edited once released: a file that took it must be the
/// same everywhere.
struct Migration {
  std::int64_t version;  // of the schema afterwards: 1, 2, 3, ...
  const char* sql;
};

/// All there are, in order.
std::span<const Migration> migrations();

/// Brings the file to the newest schema, in one transaction. A file that holds an older one is
/// copied before, to `path`.schema-N.bak, where N is its schema; a copy that is there already is
/// replaced. Errors: InvalidInput (a newer Hearth wrote the file; it is left as it was),
/// Unavailable (no copy can be written), those of Query::next(). After any error the file is as
/// before.
Result<void> migrate(Database& database, const std::string& path,
                     std::span<const Migration> steps = migrations());

/// Errors: InvalidInput (`version` is newer than the last of `steps`: a newer Hearth wrote `path`).
Result<void> check_schema(std::int64_t version, const std::string& path,
                          std::span<const Migration> steps = migrations());

/// The schema of a file; 0: it is new.
Result<std::int64_t> schema_version(Database& database);

}  // namespace hearth::store
