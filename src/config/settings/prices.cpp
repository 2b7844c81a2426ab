#include "config/prices.h"

#include <algorithm>
#include <filesystem>

#include "config/settings/setting.h"
#include "config/settings/sources.h"
#include "config/settings/toml.h"

namespace hearth::config {
namespace {

constexpr std::size_t kValueBytesMax = 512;

struct Key {
  std::string_view name;
  std::string PriceLine::*member;
};
constexpr Key kKeys[] = {{"model", &PriceLine::model},
                         {"input", &PriceLine::input},
                         {"output", &PriceLine::output},
                         {"cache_read", &PriceLine::cache_read},
                         {"cache_write", &PriceLine::cache_write},
                         {"date", &PriceLine::date},
                         {"source", &PriceLine::source}};

/// Where a value stands.
class Place {
 public:
  explicit Place(const std::string& file_name)
      : file_name_(file_name), short_name_(std::filesystem::path(file_name).filename()) {}
  std::string of(const toml::node& node) const { return file_name_ + ":" + line(node); }
  std::string short_of(const toml::node& node) const { return short_name_ + ":" + line(node); }

 private:
  static std::string line(const toml::node& node) {
    return std::to_string(node.source().begin.line);
  }
  const std::string& file_name_;
  const std::string short_name_;
};

Error unknown_key(const std::string& name, const std::string& origin) {
  std::vector<std::string> known = {"price"};
  for (const Key& key : kKeys) known.emplace_back(key.name);
  const std::string near = nearest(name, known);
  return {Code::InvalidInput,
          origin + ": unknown key '" + name + "'" +
              (near.empty() ? "" : "; did you mean '" + near + "'?"),
          name};
}

bool is_visible(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

Result<void> take(std::string_view key, const toml::node& node, const std::string& origin,
                  PriceLine& line) {
  const auto* const known =
      std::ranges::find_if(kKeys, [key](const Key& one) { return one.name == key; });
  if (known == std::end(kKeys)) return unknown_key(std::string(key), origin);
  if (const auto* const number = node.as_integer())
    return setting_error(key, "a string is required: \"" + std::to_string(number->get()) + "\"",
                         origin);
  const auto* const text = node.as_string();
  if (!text || text->get().empty() || text->get().size() > kValueBytesMax ||
      !is_visible(text->get()))
    return setting_error(key, "a string of 1 to 512 visible ASCII characters is required", origin);
  line.*known->member = text->get();
  return ok();
}

Result<PriceLine> line_of(const toml::table& table, PriceLine line, const Place& place) {
  line.origin = place.short_of(table);
  for (const auto& [key, node] : table) TRY_VOID(take(key.str(), node, place.of(node), line));
  for (const std::string_view needed : {"model", "input", "output", "date", "source"}) {
    const auto* const key =
        std::ranges::find_if(kKeys, [needed](const Key& one) { return one.name == needed; });
    if ((line.*key->member).empty())
      return setting_error(needed, "is required for each price", place.of(table));
  }
  if (line.cache_read.empty()) line.cache_read = line.input;
  if (line.cache_write.empty()) line.cache_write = line.input;
  return line;
}

Result<std::vector<PriceLine>> lines_of(const toml::node& node, const PriceLine& common,
                                        const Place& place) {
  const Error wrong = setting_error("price", "tables are required: [[price]]", place.of(node));
  const auto* const tables = node.as_array();
  if (!tables) return wrong;
  if (tables->size() > kPriceLinesMax)
    return Error{
        Code::TooLarge,
        place.of(node) + ": price: at most " + std::to_string(kPriceLinesMax) + " are allowed",
        "price"};
  std::vector<PriceLine> lines;
  for (const toml::node& item : *tables) {
    const auto* const table = item.as_table();
    if (!table) return wrong;
    TRY(PriceLine line, line_of(*table, common, place));
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace

Result<std::vector<PriceLine>> parse_prices(std::string_view text, const std::string& file_name) {
  const toml::parse_result parsed = toml::parse(text, file_name);
  if (!parsed)
    return Error{Code::InvalidInput, file_name + ":" +
                                         std::to_string(parsed.error().source().begin.line) + ": " +
                                         std::string(parsed.error().description())};
  const Place place(file_name);
  PriceLine common;
  const toml::node* prices = nullptr;
  for (const auto& [key, node] : parsed.table()) {
    if (key.str() == "price")
      prices = &node;
    else if (key.str() != "date" && key.str() != "source")
      return unknown_key(std::string(key.str()), place.of(node));
    else
      TRY_VOID(take(key.str(), node, place.of(node), common));
  }
  return prices ? lines_of(*prices, common, place) : std::vector<PriceLine>();
}

Result<std::vector<PriceLine>> load_prices(const std::string& path) {
  std::vector<PriceLine> lines;
  if (!path.empty()) {
    TRY(const std::string text, read_settings_file(path));
    TRY(lines, parse_prices(text, path));
  }
  const auto& builtin = builtin_prices();
  lines.insert(lines.end(), builtin.begin(), builtin.end());
  return lines;
}

}  // namespace hearth::config
