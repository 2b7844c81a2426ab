#include <filesystem>

#include "cli/doctor/checks.h"
#include "store/check.h"

namespace hearth::cli {
namespace {

std::string day_of(std::chrono::system_clock::time_point time) {
  const std::chrono::year_month_day day(std::chrono::floor<std::chrono::days>(time));
  std::string text = std::to_string(static_cast<int>(day.year()));
  for (const unsigned part : {static_cast<unsigned>(day.month()), static_cast<unsigned>(day.day())})
    text += (part < 10 ? "-0" : "-") + std::to_string(part);
  return text;
}

/// ", copy PATH (schema 1, 2026-01-31)" for each.
std::string listed(const std::vector<store::Copy>& copies) {
  std::string text;
  for (const store::Copy& copy : copies)
    text += ", copy " + copy.path + " (schema " + std::to_string(copy.schema) + ", " +
            day_of(copy.made) + ")";
  return text;
}

Finding damaged(const std::string& path, const std::string& how) {
  const auto copies = store::copies_of(path);
  return {"store", Verdict::Fail,
          path + " is damaged: " + how + (copies.empty() ? ", no copy" : listed(copies)),
          store::how_to_restore(path, copies)};
}

std::string first_of(const std::vector<std::string>& faults) {
  const std::string more = std::to_string(faults.size() - 1);
  return faults.front() + (faults.size() > 1 ? " (and " + more + " more)" : "");
}

Finding could_not(const std::string& path, const Error& error) {
  if (error.code == Code::Corrupt) return damaged(path, error.message);
  const bool is_newer = error.code == Code::InvalidInput;
  return {"store", Verdict::Fail, error.message,
          is_newer ? "use the Hearth that wrote it, or a newer one"
                   : "make it readable and writable for you, and try again"};
}

}  // namespace

Finding check_store(const std::string& path) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored))
    return {"store", Verdict::Pass, "will be created when it is needed"};
  const auto checked = store::check(path);
  if (!checked.ok()) return could_not(path, checked.error());
  if (!checked.value().faults.empty()) return damaged(path, first_of(checked.value().faults));
  if (!checked.value().altered.empty())
    return {
        "store", Verdict::Fail,
        path + ": its record of decisions was altered: " + first_of(checked.value().altered),
        "find out who can write to this file; all else in it can be used, and a copy of your own "
        "shows what the record said"};
  return {"store", Verdict::Pass,
          path + ", schema " + std::to_string(checked.value().schema) + ", " +
              std::to_string(checked.value().size_bytes / 1'024) + " KiB" +
              listed(store::copies_of(path))};
}

}  // namespace hearth::cli
