#include "store/sqlite/database.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "base/check.h"
#include "base/log.h"
#include "store/store.h"

namespace hearth::store {
namespace {

constexpr int kBusyTimeoutMs = 5'000;

Code code_of(int status) {
  switch (status & 0xff) {  // the primary part of an extended code
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return Code::Busy;
    case SQLITE_FULL:
    case SQLITE_TOOBIG: return Code::TooLarge;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return Code::Corrupt;
    case SQLITE_CONSTRAINT: return Code::InvalidInput;
    case SQLITE_CANTOPEN:
    case SQLITE_IOERR:
    case SQLITE_PERM:
    case SQLITE_READONLY: return Code::Unavailable;
    default: return Code::Internal;
  }
}

/// The only place that reads sqlite3_errmsg.
Error error_of(sqlite3* database, int status, const std::string& doing) {
  std::string reason = database ? sqlite3_errmsg(database) : sqlite3_errstr(status);
  // What the system said tells more: no permission, too many open files.
  const int system = database ? sqlite3_system_errno(database) : 0;
  const bool is_system = (status & 0xFF) == SQLITE_CANTOPEN || (status & 0xFF) == SQLITE_IOERR;
  if (is_system && system != 0) reason += " (" + std::generic_category().message(system) + ")";
  Error error{code_of(status), "the store cannot " + doing + ": " + reason};
  if ((status & 0xFF) == SQLITE_FULL) error.field = kDiskField;
  return error;
}

/// SQLite would make a new file readable by everyone.
Result<void> make_private(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (fd < 0)
    return Error{Code::Unavailable,
                 "cannot open " + path + ": " + std::generic_category().message(errno)};
  ::close(fd);
  return ok();
}

}  // namespace

// ---- queries ----------------------------------------------------------------------------------

Query::~Query() {
  if (!statement_) return;
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

Query& Query::bind(std::int64_t value) {
  HEARTH_CHECK(sqlite3_bind_int64(statement_, ++bound_, value) == SQLITE_OK, "too many values");
  return *this;
}

Query& Query::bind(std::string_view text) {
  const int status = sqlite3_bind_text64(statement_, ++bound_, text.data() ? text.data() : "",
                                         text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  HEARTH_CHECK(status != SQLITE_RANGE, "too many values");
  return *this;
}

Query& Query::bind_bytes(std::string_view bytes) {
  const int status = sqlite3_bind_blob64(statement_, ++bound_, bytes.data() ? bytes.data() : "",
                                         bytes.size(), SQLITE_TRANSIENT);
  HEARTH_CHECK(status != SQLITE_RANGE, "too many values");
  return *this;
}

Query& Query::bind_null() {
  ++bound_;
  return *this;
}

Query& Query::bind_or_null(const std::optional<std::string>& text) {
  return text ? bind(std::string_view(*text)) : bind_null();
}

Query& Query::bind_or_null(const std::optional<std::int64_t>& value) {
  return value ? bind(*value) : bind_null();
}

Result<bool> Query::next() {
  const int status = sqlite3_step(statement_);
  if (status == SQLITE_ROW) return true;
  if (status == SQLITE_DONE) return false;
  return error_of(sqlite3_db_handle(statement_), status, "run a statement");
}

Result<void> Query::run() {
  TRY(const bool row, next());
  HEARTH_CHECK(!row, "the statement gives rows");
  return ok();
}

std::int64_t Query::integer(int column) const { return sqlite3_column_int64(statement_, column); }

std::string Query::text(int column) const {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_, column));
  const int size = sqlite3_column_bytes(statement_, column);
  return bytes ? std::string(bytes, static_cast<std::size_t>(size)) : std::string();
}

bool Query::is_null(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

int Query::columns() const { return sqlite3_column_count(statement_); }

// ---- the connection ---------------------------------------------------------------------------

Result<Database> Database::open(const std::string& path, Mode mode) {
  if (mode == Mode::Write) TRY_VOID(make_private(path));
  const int flags = (mode == Mode::Write ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY) |
                    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  sqlite3* raw = nullptr;
  const int status = sqlite3_open_v2(path.c_str(), &raw, flags, nullptr);
  Database database(raw);  // SQLite hands back a handle even on failure
  if (status != SQLITE_OK) return error_of(raw, status, "open " + path);
  TRY_VOID(database.set_up(mode));
  return database;
}

Result<void> Database::set_up(Mode mode) {
  sqlite3_busy_timeout(database_.get(), kBusyTimeoutMs);
  sqlite3_db_config(database_.get(), SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  TRY_VOID(run("PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY;"));
  if (mode == Mode::Read) {
    sqlite3_limit(database_.get(), SQLITE_LIMIT_ATTACHED, 0);
    return run("PRAGMA query_only = ON;");
  }
  return run("PRAGMA journal_mode = WAL;");
}

Result<Query> Database::query(std::string_view sql) {
  const auto [entry, is_new] = statements_.try_emplace(std::string(sql));
  if (is_new) {
    sqlite3_stmt* raw = nullptr;
    const int status = sqlite3_prepare_v3(database_.get(), sql.data(), static_cast<int>(sql.size()),
                                          SQLITE_PREPARE_PERSISTENT, &raw, nullptr);
    entry->second.reset(raw);
    if (status != SQLITE_OK) {
      statements_.erase(entry);
      return error_of(database_.get(), status, "prepare a statement");
    }
  }
  sqlite3_stmt* const statement = entry->second.get();
  HEARTH_CHECK(statement && !sqlite3_stmt_busy(statement), "a statement is in use twice");
  return Query(statement);
}

Result<void> Database::run(const std::string& sql) {
  const int status = sqlite3_exec(database_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  if (status != SQLITE_OK) return error_of(database_.get(), status, "run statements");
  return ok();
}

Result<std::optional<std::int64_t>> Database::number(std::string_view sql) {
  TRY(Query asked, query(sql));
  TRY(const bool found, asked.next());
  return found ? std::optional(asked.integer(0)) : std::nullopt;
}

bool Database::is_between_transactions() const {
  return sqlite3_get_autocommit(database_.get()) != 0;
}

void Database::roll_back() {
  if (is_between_transactions()) return;
  const auto undone = run("ROLLBACK;");
  if (!undone.ok()) log::error("{}", undone.error().message);
}

std::int64_t Database::changes() const { return sqlite3_changes64(database_.get()); }
std::int64_t Database::added_id() const { return sqlite3_last_insert_rowid(database_.get()); }

}  // namespace hearth::store
