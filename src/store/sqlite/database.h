#pragma once
#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/result.h"

namespace hearth::store {

class Database;

/// One statement on its way through its rows. Values are bound in the order of the question marks,
/// columns are read by number from 0. Given back to its database when it is destroyed; at most one
/// of the same text is in use at a time. Not valid beyond its database.
class Query {
 public:
  Query(Query&& other) noexcept
      : statement_(std::exchange(other.statement_, nullptr)), bound_(other.bound_) {}
  Query& operator=(Query&&) = delete;
  ~Query();

  Query& bind(std::int64_t value);
  Query& bind(std::string_view text);  // copied; may hold any byte but is compared as UTF-8
  Query& bind_bytes(std::string_view bytes);
  Query& bind_null();
  Query& bind_or_null(const std::optional<std::string>& text);
  Query& bind_or_null(const std::optional<std::int64_t>& value);

  /// Goes to the next row; false behind the last. Errors: Busy (locked for longer than the busy
  /// timeout), TooLarge (disk full), Corrupt, InvalidInput (a constraint says no), Internal.
  Result<bool> next();
  /// Runs a statement that gives no rows. What changes rows goes this way, without RETURNING: one
  /// that is left before its end undoes the whole transaction. Errors: as next().
  Result<void> run();
  /// Calls `take(*this)`, which gives a Result<void>, for each row that is left. Errors: as next();
  /// those of `take`, which end it.
  template <class Take>
  Result<void> each(Take&& take) {
    for (;;) {
      TRY(const bool row, next());
      if (!row) return ok();
      TRY_VOID(take(*this));
    }
  }

  std::int64_t integer(int column) const;
  std::string text(int column) const;  // of text or bytes; empty for null
  bool is_null(int column) const;
  int columns() const;

 private:
  friend class Database;
  explicit Query(sqlite3_stmt* statement) : statement_(statement) {}
  sqlite3_stmt* statement_;
  int bound_ = 0;
};

/// A connection to one SQLite file. One thread at a time.
class Database {
 public:
  enum class Mode : std::uint8_t {
    Write,  // made if it is not there, mode 0600
    Read    // must be there; nothing can be changed through it
  };
  /// Sets write-ahead logging, foreign keys and a busy timeout of 5 s. Errors: Unavailable (it
  /// cannot be opened or made), Corrupt (no SQLite file, or a damaged one), Busy.
  static Result<Database> open(const std::string& path, Mode mode);

  /// A statement with nothing bound. Its text is kept compiled: use literals. Errors: as
  /// Query::next(); Internal (our SQL is wrong).
  Result<Query> query(std::string_view sql);
  /// Runs statements that take and give nothing. Errors: as Query::next().
  Result<void> run(const std::string& sql);
  /// The one number that a statement gives; absent if it gives no row. Errors: as Query::next().
  Result<std::optional<std::int64_t>> number(std::string_view sql);

  /// True outside of a transaction; some failures end one.
  bool is_between_transactions() const;
  /// Undoes the transaction, if there still is one. What fails at that is logged.
  void roll_back();
  std::int64_t changes() const;   // rows that the last statement changed
  std::int64_t added_id() const;  // the number of the row that was added last

 private:
  struct Close {
    void operator()(sqlite3* database) const { sqlite3_close_v2(database); }
  };
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  using Statement = std::unique_ptr<sqlite3_stmt, Finalize>;

  explicit Database(sqlite3* database) : database_(database) {}
  Result<void> set_up(Mode mode);

  std::unique_ptr<sqlite3, Close> database_;
  std::unordered_map<std::string, Statement> statements_{};  // destroyed before the database
};

}  // namespace hearth::store
