#include "tools/registry.h"

#include <algorithm>

#include "base/fields.h"
#include "base/utf8.h"
#include "tools/outline.h"

namespace hearth::tools {
namespace {

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-';
}

Result<void> check_words(const Tool& tool) {
  const std::string name = tool.name(), description = tool.description();
  if (name.empty() || name.size() > Registry::kNameBytesMax ||
      !std::all_of(name.begin(), name.end(), is_name_character))
    return field_error("name", "1 to 64 letters, digits, _ and - are allowed");
  if (description.empty() || description.size() > Registry::kDescriptionBytesMax)
    return field_error("description", "1 to 1024 bytes are allowed");
  if (!is_utf8(description) || description.find_first_of("\r\n") != std::string::npos)
    return field_error("description", "one line of UTF-8 is required");
  return ok();
}

Error named(const Tool& tool, Error error) {
  error.message =
      "tool \"" + to_utf8(tool.name().substr(0, Registry::kNameBytesMax)) + "\": " + error.message;
  return error;
}

}  // namespace

Result<Registry> Registry::make(std::vector<std::unique_ptr<Tool>> tools) {
  if (tools.size() > kToolsMax)
    return Error{Code::TooLarge, "at most " + std::to_string(kToolsMax) + " tools are allowed"};
  std::vector<Entry> entries;
  for (std::unique_ptr<Tool>& tool : tools) {
    const auto words = check_words(*tool);
    if (!words.ok()) return named(*tool, words.error());
    auto schema = Schema::make(tool->parameters());
    if (!schema.ok()) return named(*tool, std::move(schema).error());
    std::string name = tool->name();
    entries.push_back({std::move(tool), std::move(name), std::move(schema).value()});
  }
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return a.name < b.name; });
  const auto twice =
      std::adjacent_find(entries.begin(), entries.end(),
                         [](const Entry& a, const Entry& b) { return a.name == b.name; });
  if (twice != entries.end()) return named(*twice->tool, field_error("name", "is there twice"));
  return Registry(std::move(entries));
}

const Registry::Entry* Registry::find(std::string_view name) const {
  const auto found = std::lower_bound(
      entries_.begin(), entries_.end(), name,
      [](const Entry& entry, std::string_view wanted) { return entry.name < wanted; });
  return found != entries_.end() && found->name == name ? &*found : nullptr;
}

std::vector<chat::Tool> Registry::for_grammar() const {
  std::vector<chat::Tool> all;
  for (const Entry& entry : entries_)
    all.push_back({entry.name, entry.tool->description(), entry.schema.text(),
                   outline_of(entry.schema.text())});
  return all;
}

}  // namespace hearth::tools
