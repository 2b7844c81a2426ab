#include "store/check.h"

#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <system_error>

#include "store/chain/decision_chain.h"
#include "store/rows/rows.h"
#include "store/schema/migrations.h"
#include "store/sqlite/database.h"

namespace hearth::store {
namespace {

namespace fs = std::filesystem;

constexpr const char* kCopyMark = ".schema-";
constexpr const char* kCopyEnd = ".bak";
constexpr std::int64_t kChainSchema = 4;  // the first in which decisions are a chain

/// Adds what a statement's rows say, other than "ok".
Result<void> add_faults(Database& database, const char* sql, std::vector<std::string>& faults) {
  TRY(Query query, database.query(sql));
  return query.each([&faults](const Query& row) -> Result<void> {
    const std::string said = row.text(0);
    if (said != "ok" && faults.size() < kFaultsMax) faults.push_back(said);
    return ok();
  });
}

/// Rows of foreign_key_check are a table, a row and the table that it points into.
Result<void> add_lost_rows(Database& database, std::vector<std::string>& faults) {
  TRY(Query query, database.query("PRAGMA foreign_key_check"));
  return query.each([&faults](const Query& row) -> Result<void> {
    if (faults.size() < kFaultsMax)
      faults.push_back("a row of " + row.text(0) + " points at nothing in " + row.text(2));
    return ok();
  });
}

/// The schema in the name of a copy of `name`; 0: it is none.
std::int64_t schema_in(std::string_view copy, const std::string& name) {
  const std::string head = name + kCopyMark;
  if (!copy.starts_with(head) || !copy.ends_with(kCopyEnd)) return 0;
  copy.remove_prefix(head.size());
  copy.remove_suffix(std::min(copy.size(), std::string_view(kCopyEnd).size()));
  std::int64_t schema = 0;
  const auto [rest, status] = std::from_chars(copy.data(), copy.data() + copy.size(), schema);
  return status == std::errc() && rest == copy.data() + copy.size() ? schema : 0;
}

/// In quotes of the shell's.
std::string quoted(const std::string& path) {
  std::string text = "'";
  for (const char c : path) text += c == '\'' ? "'\\''" : std::string(1, c);
  return text + "'";
}

}  // namespace

Result<Checked> check(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return nothing_called("store", path);
  TRY(Database database, Database::open(path, Database::Mode::Read));
  Checked checked{.size_bytes = static_cast<std::uint64_t>(status.st_size)};
  TRY(checked.schema, schema_version(database));
  TRY_VOID(check_schema(checked.schema, path));
  TRY_VOID(add_faults(database, "PRAGMA integrity_check(20)", checked.faults));
  TRY_VOID(add_lost_rows(database, checked.faults));
  // What is damaged says nothing about who changed it.
  if (checked.faults.empty() && checked.schema >= kChainSchema) {
    TRY(checked.altered, faults_of_chain(database, kFaultsMax));
  }
  return checked;
}

std::vector<Copy> copies_of(const std::string& path) {
  const fs::path whole(path);
  std::vector<Copy> all;
  std::error_code failed;
  const fs::path folder = whole.has_parent_path() ? whole.parent_path() : fs::path(".");
  for (fs::directory_iterator it(folder, failed), end; !failed && it != end; it.increment(failed)) {
    const std::int64_t schema = schema_in(it->path().filename().string(), whole.filename());
    struct stat status {};
    if (schema == 0 || ::stat(it->path().c_str(), &status) != 0) continue;
    all.push_back({.path = it->path(),
                   .schema = schema,
                   .made = std::chrono::system_clock::from_time_t(status.st_mtime)});
  }
  std::ranges::sort(all, std::greater(), &Copy::schema);
  return all;
}

std::string how_to_restore(const std::string& path, const std::vector<Copy>& copies) {
  const auto file = [&path](const char* end) { return quoted(path + end); };
  std::string text = "stop the daemon: hearth stop; move the file and its log aside: mv " +
                     file("") + " " + file(".damaged") + "; mv " + file("-wal") + " " +
                     file(".damaged-wal") + "; rm -f " + file("-shm") + "; then ";
  if (!copies.empty())
    text += "take the latest copy: cp " + quoted(copies.front().path) + " " + file("") + ", or ";
  return text + "save what can be read: sqlite3 " + file(".damaged") + " .recover | sqlite3 " +
         file("") + ", or start without it: a new one is made";
}

}  // namespace hearth::store
