#include <algorithm>
#include <charconv>

#include "config/settings/sources.h"

namespace hearth::config {
namespace {

constexpr std::string_view kPrefix = "HEARTH_";
constexpr std::string_view kFileVariable = "HEARTH_CONFIG";  // names the file; read by load()
constexpr std::string_view kTestPrefix = "HEARTH_TEST_";

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> items;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    if (comma > 0) items.emplace_back(text.substr(0, comma));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return items;
}

Raw raw_value(const Setting& setting, const std::string& text) {
  if (setting.kind == Kind::List || setting.kind == Kind::Paths) return split(text);
  if (setting.kind == Kind::Flag && (text == "true" || text == "false")) return text == "true";
  if (setting.kind != Kind::Whole) return text;
  std::int64_t number = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (status != std::errc{} || end != text.data() + text.size())
    return text;  // assign() refuses it
  return number;
}

/// Takes one variable if it is set; an empty one counts as absent, as shells and unit files make
/// them.
Result<void> take(const Setting& setting, const std::string& variable,
                  const Environment& environment, Loaded& loaded) {
  const auto found = environment.find(variable);
  if (found == environment.end() || found->second.empty()) return ok();
  TRY_VOID(assign(setting, loaded.config, raw_value(setting, found->second), variable));
  loaded.origins[std::string(setting.name)] = variable;
  return ok();
}

bool is_set(const Environment& environment, const std::string& name) {
  const auto found = environment.find(name);
  return found != environment.end() && !found->second.empty();
}

Result<void> refuse_two_names(const Setting& setting, const Environment& environment) {
  const std::string brief(setting.short_name), full = environment_name(setting);
  if (brief.empty() || !is_set(environment, brief) || !is_set(environment, full)) return ok();
  return setting_error(setting.name, "set by both " + brief + " and " + full + "; unset one",
                       "environment");
}

std::vector<std::string> known_variables() {
  std::vector<std::string> names{std::string(kFileVariable)};
  for (const Setting& setting : settings()) {
    names.push_back(environment_name(setting));
    if (!setting.short_name.empty()) names.emplace_back(setting.short_name);
  }
  return names;
}

Result<void> refuse_unknown(const Environment& environment) {
  const std::vector<std::string> known = known_variables();
  for (const auto& [name, value] : environment) {
    if (!name.starts_with(kPrefix) || name.starts_with(kTestPrefix)) continue;
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    const std::string near = nearest(name, known);
    return Error{Code::InvalidInput,
                 "environment: unknown variable " + name +
                     (near.empty() ? "" : "; did you mean " + near + "?"),
                 name};
  }
  return ok();
}

}  // namespace

std::string environment_name(const Setting& setting) {
  std::string name(kPrefix);
  for (const char c : setting.name)
    name += c == '.' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
  return name;
}

Result<void> apply_environment(const Environment& environment, Loaded& loaded) {
  TRY_VOID(refuse_unknown(environment));
  for (const Setting& setting : settings()) {
    TRY_VOID(refuse_two_names(setting, environment));
    const std::string own = environment_name(setting), brief(setting.short_name);
    const bool ours = is_set(environment, own) || (!brief.empty() && is_set(environment, brief));
    if (!ours && !setting.foreign_name.empty())
      TRY_VOID(take(setting, std::string(setting.foreign_name), environment, loaded));
    if (!brief.empty()) TRY_VOID(take(setting, brief, environment, loaded));
    TRY_VOID(take(setting, own, environment, loaded));
  }
  return ok();
}

}  // namespace hearth::config
