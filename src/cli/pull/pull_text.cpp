#include "cli/pull/pull_text.h"

#include <algorithm>

#include "cli/terminal/table.h"

namespace hearth::cli {
namespace {

using Stage = model::PullProgress::Stage;

bool is_there(const std::vector<model::ShelfModel>& there, const std::string& name) {
  return std::any_of(there.begin(), there.end(),
                     [&](const model::ShelfModel& model) { return model.name == name; });
}

}  // namespace

std::string pull_text(const model::PullProgress& progress) {
  if (progress.stage == Stage::Asking) return "asking " + progress.from;
  if (progress.stage == Stage::Checking) return "checking " + bytes_text(progress.total_bytes);
  std::string text = bytes_text(progress.done_bytes) + " of " + bytes_text(progress.total_bytes);
  if (progress.bytes_per_second == 0) return text;
  const std::uint64_t left = progress.total_bytes - progress.done_bytes;
  return text + ", " + bytes_text(progress.bytes_per_second) + "/s, " +
         elapsed_text(left / progress.bytes_per_second) + " left";
}

std::optional<double> pull_fraction(const model::PullProgress& progress) {
  if (progress.stage != Stage::Downloading || progress.total_bytes == 0) return std::nullopt;
  return static_cast<double>(progress.done_bytes) / static_cast<double>(progress.total_bytes);
}

std::string PullLines::next(const model::PullProgress& progress, Clock::time_point now) {
  const bool is_news = stage_ != progress.stage || now - said_at_ >= kEvery;
  if (!is_news) return {};
  stage_ = progress.stage;
  said_at_ = now;
  std::string percent;
  if (const auto fraction = pull_fraction(progress))
    percent = std::to_string(static_cast<int>(*fraction * 100)) + " %, ";
  return percent + pull_text(progress) + "\n";
}

std::string models_table(const std::vector<model::ShelfModel>& there,
                         const model::Catalogue& catalogue) {
  Table table;
  table.add_row({"NAME", "SIZE", "MEMORY", "LICENCE", "WHERE"});
  for (const auto& model : there) {
    const auto* const entry = catalogue.find(model.name);
    table.add_row({model.name, bytes_text(model.size_bytes),
                   entry ? bytes_text(entry->memory_bytes) : "", entry ? entry->licence : "",
                   model.is_partial ? "not whole; `hearth pull` goes on with it" : model.path});
  }
  for (const auto& entry : catalogue.entries()) {
    if (is_there(there, entry.name)) continue;
    table.add_row({entry.name, bytes_text(entry.size_bytes), bytes_text(entry.memory_bytes),
                   entry.licence, "hearth pull " + entry.name});
  }
  return table.text();
}

std::string entry_text(const model::CatalogueEntry& entry) {
  Table table;
  table.add_row({"name", entry.name});
  table.add_row({"model", entry.title});
  table.add_row({"from", "hf:" + entry.repository + "/" + entry.file});
  table.add_row({"size", "about " + bytes_text(entry.size_bytes)});
  table.add_row({"memory", "about " + bytes_text(entry.memory_bytes)});
  table.add_row({"licence", entry.licence});
  if (!entry.sha256.empty()) table.add_row({"sha256", entry.sha256});
  return table.text();
}

std::string licence_text(const model::CatalogueEntry* entry) {
  if (!entry) return "Licence: not known here; where it comes from says it";
  return "Licence of " + entry->name + ": " + entry->licence;
}

}  // namespace hearth::cli
