#include "store/readers.h"

#include "base/check.h"
#include "base/log.h"
#include "store/sqlite/database.h"

namespace hearth::store {

Readers::Readers(std::size_t count) : free_(count) {}

Readers::~Readers() = default;

Result<std::unique_ptr<Readers>> Readers::open(const std::string& path, std::size_t count) {
  std::unique_ptr<Readers> readers(new Readers(count));
  for (std::size_t i = 0; i < count; ++i) {
    TRY(Database database, Database::open(path, Database::Mode::Read));
    HEARTH_CHECK(readers->free_.try_push(std::make_unique<Database>(std::move(database))),
                 "there is room for each connection");
  }
  return readers;
}

Result<void> Readers::read(const Call& call, const Work& work) {
  TRY(auto taken, free_.pop(call));
  HEARTH_CHECK(taken, "the connections are never closed before their readers");
  std::unique_ptr<Database> database = std::move(*taken);
  Result<void> done = database->run("BEGIN;");
  if (done.ok()) done = work(*database);
  if (!database->is_between_transactions()) {
    const auto ended = database->run("COMMIT;");
    if (!ended.ok()) log::error("{}", ended.error().message);
  }
  HEARTH_CHECK(free_.try_push(std::move(database)), "a connection that was taken has its place");
  return done;
}

}  // namespace hearth::store
