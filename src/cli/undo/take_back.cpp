#include "cli/undo/take_back.h"

#include <algorithm>
#include <filesystem>
#include <memory>

#include "base/time_source.h"
#include "cli/approvals/diff_text.h"
#include "cli/sessions/message_text.h"
#include "cli/terminal/table.h"
#include "cli/terminal/visible.h"
#include "tools/undo.h"

namespace hearth::cli {
namespace {

using tools::Undo;

const SystemTime& system_time() {
  static const SystemTime time;  // stateless
  return time;
}

/// Null if no tool has changed a file yet.
Result<std::unique_ptr<Undo>> open_undo(const config::Config& config) {
  const std::string folder = config.data_dir + "/undo";
  std::error_code ignored;
  if (!std::filesystem::is_directory(folder, ignored)) return std::unique_ptr<Undo>();
  return Undo::open(folder, system_time());
}

Result<std::vector<Undo::Entry>> changes(Undo* undo) {
  if (!undo) return std::vector<Undo::Entry>();
  return undo->list();
}

std::string time_of(const Undo::Entry& entry) { return time_text(entry.changed_ms / 1'000); }

/// The one that is wanted. Errors: NotFound.
Result<Undo::Entry> choose(const std::vector<Undo::Entry>& all, const TakeBack& wanted) {
  if (all.empty()) return Error{Code::NotFound, "there is nothing to undo"};
  if (!wanted.number) return all.front();
  const auto found = std::ranges::find(all, *wanted.number, &Undo::Entry::number);
  if (found != all.end()) return *found;
  return Error{Code::NotFound, "there is no change " + std::to_string(*wanted.number) +
                                   "; `hearth undo --list` shows them"};
}

/// Why a file is not what the tool left, as far as we know.
Error changed_since(const std::vector<Undo::Entry>& all, const Undo::Entry& entry) {
  const std::string number = std::to_string(entry.number);
  std::string message =
      visible(entry.path) + " has changed since " + time_of(entry) + ", when a tool left it";
  const auto later = std::ranges::find_if(all, [&entry](const Undo::Entry& other) {
    return other.path == entry.path && other.number > entry.number;
  });
  if (later != all.end())
    message += "; change " + std::to_string(later->number) + " came later: take that back first";
  return {Code::Denied, message + ". `hearth undo --force " + number +
                            "` takes it back all the same, and what is there now is lost"};
}

std::string plan_text(const Undo::Plan& plan, const Style& style) {
  const Undo::Entry& entry = plan.entry;
  std::string out = "Change " + std::to_string(entry.number) + " of " + time_of(entry) + ": " +
                    style.bold(visible(entry.path)) +
                    (entry.existed ? " becomes what it was" : " was new and is removed") + "\n";
  if (plan.changed_since) out += style.yellow("It has changed since; that is lost.") + "\n";
  return out + DiffText(style).of(plan.diff);
}

}  // namespace

Result<std::string> take_back(const Call& call, const config::Config& config,
                              const TakeBack& wanted, const Style& style,
                              const std::function<bool(const std::string& plan)>& confirm) {
  TRY(const auto undo, open_undo(config));
  TRY(const auto all, changes(undo.get()));
  TRY(const Undo::Entry entry, choose(all, wanted));
  TRY(const auto workspace, Undo::workspace_of(entry, {config.data_dir}));
  TRY(const Undo::Plan plan, undo->plan(call, *workspace, entry.number));
  if (plan.changed_since && !wanted.force) return changed_since(all, entry);
  if (!confirm(plan_text(plan, style))) return std::string("nothing was changed");
  // Thinking takes as long as it takes; what follows has its own time. And the file may have
  // changed meanwhile, which is looked at again.
  TRY_VOID(undo->restore(Call::within(kUndoMax, call.stop), *workspace, entry.number,
                         wanted.force ? Undo::Changed::Overwrite : Undo::Changed::Refuse));
  return visible(entry.path) + (entry.existed ? " is what it was" : " is removed");
}

Result<std::string> changes_table(const config::Config& config) {
  TRY(const auto undo, open_undo(config));
  TRY(const auto all, changes(undo.get()));
  if (all.empty()) return std::string();
  Table table;
  table.add_row({"CHANGE", "TIME", "BEFORE", "FILE"});
  for (const Undo::Entry& entry : all)
    table.add_row({std::to_string(entry.number), time_of(entry),
                   entry.existed ? bytes_text(entry.bytes) : "-", visible(entry.path)});
  return table.text();
}

bool is_yes(const std::string& typed) {
  std::string word;
  for (const char c : typed)
    if (c != ' ' && c != '\t') word += static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  return word == "y" || word == "yes";
}

}  // namespace hearth::cli
