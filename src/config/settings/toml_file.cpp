#define TOML_EXCEPTIONS 0
// toml++ 3.3 asserts that a key follows "[" even where its own code, two lines on, reports that none
// does: with assertions "[\n" would end the process, and with clang's NDEBUG it would be undefined.
#undef NDEBUG
#define TOML_ASSERT(condition) static_assert(true)
#include <toml++/toml.h>

#include <algorithm>
#include <filesystem>

#include "config/settings/sources.h"

namespace hearth::config {
namespace {

/// Walks the tables of one file.
class Reader {
 public:
  Reader(const std::string& file_name, Loaded& loaded)
      : file_name_(file_name),
        short_name_(std::filesystem::path(file_name).filename()),
        loaded_(loaded) {}

  Result<void> read(const toml::table& table, const std::string& prefix);

 private:
  Result<void> read_value(const std::string& name, const toml::node& node);
  Error unknown_key(const std::string& name, const toml::node& node) const;
  static std::string line_of(const toml::node& node) {
    return std::to_string(node.source().begin.line);
  }

  const std::string& file_name_;
  const std::string short_name_;
  Loaded& loaded_;
};

bool is_section(const std::string& name) {
  const auto known = settings();
  return std::any_of(known.begin(), known.end(),
                     [&](const Setting& s) { return s.name.starts_with(name + "."); });
}

std::string type_name(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::boolean: return "boolean";
    case toml::node_type::floating_point: return "fraction";
    case toml::node_type::table: return "table";
    case toml::node_type::array: return "mixed array";
    default: return "date or time";
  }
}

Raw raw_value(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return number->get();
  const auto* const array = node.as_array();
  if (!array) return Unknown{type_name(node)};
  std::vector<std::string> items;
  for (const toml::node& item : *array) {
    if (!item.is_string()) return Unknown{type_name(node)};
    items.push_back(item.as_string()->get());
  }
  return items;
}

// Sections are one level deep, so this recursion is too: what lies deeper is an unknown key.
Result<void> Reader::read(const toml::table& table, const std::string& prefix) {
  for (const auto& [key, node] : table) {
    const std::string name = prefix + std::string(key.str());
    if (prefix.empty() && is_section(name)) {
      if (!node.is_table())
        return setting_error(name, "a section is required: [" + name + "]",
                             file_name_ + ":" + line_of(node));
      TRY_VOID(read(*node.as_table(), name + "."));
    } else {
      TRY_VOID(read_value(name, node));
    }
  }
  return ok();
}

Result<void> Reader::read_value(const std::string& name, const toml::node& node) {
  const Setting* const setting = find_setting(name);
  if (!setting) return unknown_key(name, node);
  TRY_VOID(assign(*setting, loaded_.config, raw_value(node), file_name_ + ":" + line_of(node)));
  loaded_.origins[name] = short_name_ + ":" + line_of(node);
  return ok();
}

Error Reader::unknown_key(const std::string& name, const toml::node& node) const {
  std::vector<std::string> known;
  for (const Setting& setting : settings()) {
    const std::string candidate(setting.name);
    known.push_back(candidate);
    if (node.is_table() && candidate.find('.') != std::string::npos)
      known.push_back(candidate.substr(0, candidate.find('.')));
  }
  const std::string near = nearest(name, known);
  return {Code::InvalidInput,
          file_name_ + ":" + line_of(node) + ": unknown key '" + name + "'" +
              (near.empty() ? "" : "; did you mean '" + near + "'?"),
          name};
}

}  // namespace

Result<void> apply_toml(std::string_view text, const std::string& file_name, Loaded& loaded) {
  const toml::parse_result parsed = toml::parse(text, file_name);
  if (!parsed) {
    const auto line = std::to_string(parsed.error().source().begin.line);
    return Error{Code::InvalidInput,
                 file_name + ":" + line + ": " + std::string(parsed.error().description())};
  }
  return Reader(file_name, loaded).read(parsed.table(), "");
}

}  // namespace hearth::config
