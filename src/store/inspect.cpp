#include "store/inspect.h"

#include "store/rows/rows.h"

namespace hearth::store {

Result<std::vector<std::string>> rows_of(const Call& call, Store& store, const std::string& sql) {
  return reading(store, call, [&sql](Database& database) -> Result<std::vector<std::string>> {
    TRY(Query query, database.query(sql));
    std::vector<std::string> rows;
    while (rows.size() < kRowsShownMax) {
      TRY(const bool more, query.next());
      if (!more) break;
      std::string line;
      for (int i = 0; i < query.columns(); ++i)
        line += (i > 0 ? " | " : "") + (query.is_null(i) ? "null" : query.text(i));
      rows.push_back(std::move(line));
    }
    return rows;
  });
}

}  // namespace hearth::store
