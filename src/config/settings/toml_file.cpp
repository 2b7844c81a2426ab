#include <algorithm>
#include <filesystem>
#include <functional>

#include "config/settings/sources.h"
#include "config/settings/toml.h"

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
  using TakeTable =
      std::function<Result<void>(const std::vector<RuleKey>& keys, const std::string& line)>;
  Result<void> read_tables(const std::string& name, const toml::node& node, const TakeTable& take);
  Result<void> read_rules(const toml::node& node);
  Result<void> read_models(const toml::node& node);
  Result<void> read_providers(const toml::node& node);
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
  if (const auto* flag = node.as_boolean()) return flag->get();
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

/// Each of `[[name]]`, with its keys and its line.
Result<void> Reader::read_tables(const std::string& name, const toml::node& node,
                                 const TakeTable& take) {
  const auto* const tables = node.as_array();
  const Error wrong = setting_error(name, "tables are required: [[" + name + "]]",
                                    file_name_ + ":" + line_of(node));
  if (!tables) return wrong;
  for (const toml::node& item : *tables) {
    const auto* const table = item.as_table();
    if (!table) return wrong;
    std::vector<RuleKey> keys;
    for (const auto& [key, value] : *table)
      keys.push_back({std::string(key.str()), raw_value(value), file_name_ + ":" + line_of(value)});
    TRY_VOID(take(keys, line_of(*table)));
  }
  return ok();
}

Result<void> Reader::read_rules(const toml::node& node) {
  return read_tables("policy.rule", node, [&](const auto& keys, const std::string& line) {
    return add_rule(keys, file_name_ + ":" + line, short_name_ + ":" + line, loaded_.config);
  });
}

Result<void> Reader::read_models(const toml::node& node) {
  return read_tables("pool.model", node, [&](const auto& keys, const std::string& line) {
    return add_pool_model(keys, file_name_ + ":" + line, loaded_.config);
  });
}

Result<void> Reader::read_providers(const toml::node& node) {
  return read_tables("provider", node, [&](const auto& keys, const std::string& line) {
    return add_provider(keys, file_name_ + ":" + line, loaded_.config);
  });
}

Result<void> Reader::read_value(const std::string& name, const toml::node& node) {
  if (name == "policy.rule") return read_rules(node);
  if (name == "pool.model") return read_models(node);
  if (name == "provider") return read_providers(node);
  const Setting* const setting = find_setting(name);
  if (!setting) return unknown_key(name, node);
  TRY_VOID(assign(*setting, loaded_.config, raw_value(node), file_name_ + ":" + line_of(node)));
  loaded_.origins[name] = short_name_ + ":" + line_of(node);
  return ok();
}

Error Reader::unknown_key(const std::string& name, const toml::node& node) const {
  std::vector<std::string> known = {"policy.rule", "pool.model", "provider"};
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
