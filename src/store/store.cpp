#include "store/store.h"

#include "store/schema/migrations.h"
#include "store/sqlite/database.h"

namespace hearth::store {
namespace {

Error damaged(const std::string& path, const std::string& how) {
  return {Code::Corrupt, path + " is damaged (" + how +
                             "); nothing was changed. `hearth doctor` lists the copies that "
                             "there are and says how to restore it"};
}

/// Errors: Corrupt.
Result<void> check(Database& database, const std::string& path) {
  auto asked = database.query("PRAGMA quick_check(1)");
  if (!asked.ok()) return damaged(path, asked.error().message);
  const auto row = asked.value().next();
  if (!row.ok()) return damaged(path, row.error().message);
  const std::string said = asked.value().text(0);
  return said == "ok" ? ok() : Result<void>(damaged(path, said));
}

}  // namespace

Result<std::unique_ptr<Store>> Store::open(const std::string& path) {
  auto opened = Database::open(path, Database::Mode::Write);
  if (!opened.ok() && opened.error().code == Code::Corrupt)
    return damaged(path, opened.error().message);
  TRY(Database database, std::move(opened));
  TRY_VOID(check(database, path));
  TRY_VOID(migrate(database, path));
  TRY(auto readers, Readers::open(path, kReaders));
  return std::unique_ptr<Store>(
      new Store(std::make_unique<Writer>(std::move(database)), std::move(readers)));
}

Result<std::unique_ptr<Store>> Store::open_to_read(const std::string& path) {
  TRY(Database database, Database::open(path, Database::Mode::Read));
  TRY(const std::int64_t schema, schema_version(database));
  TRY_VOID(check_schema(schema, path));
  if (schema != migrations().back().version)
    return Error{Code::InvalidInput,
                 path + " is of an older Hearth (schema " + std::to_string(schema) +
                     "); `hearth serve` brings it up to date, and keeps a copy"};
  TRY(auto readers, Readers::open(path, 1));
  return std::unique_ptr<Store>(new Store(nullptr, std::move(readers)));
}

}  // namespace hearth::store
