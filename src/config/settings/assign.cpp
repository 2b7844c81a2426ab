#include <algorithm>
#include <concepts>
#include <type_traits>

#include "base/duration.h"
#include "base/utf8.h"
#include "config/settings/setting.h"

namespace hearth::config {
namespace {

/// What is wrong with a value; empty when nothing is.
using Problem = std::string;

Problem out_of_range(const Setting& setting, const std::string& value) {
  return value + " is out of range (" + std::to_string(setting.min) + " to " +
         std::to_string(setting.max) + ")";
}

/// The text of a duration, in its largest whole unit: 60000 is "1m".
std::string duration_text(std::int64_t ms) {
  if (ms % 1'000 != 0) return std::to_string(ms) + "ms";
  if (ms == 0 || ms % 60'000 != 0) return std::to_string(ms / 1'000) + "s";
  if (ms % 3'600'000 != 0) return std::to_string(ms / 60'000) + "m";
  return std::to_string(ms / 3'600'000) + "h";
}

Problem check_bytes(const std::string& text) {
  if (!is_utf8(text)) return "not valid UTF-8";
  if (std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < ' ' || c == 0x7f; }))
    return "control characters are not allowed";
  return {};
}

Problem store(const Setting& setting, std::string& target, const Raw& raw) {
  const auto* const text = std::get_if<std::string>(&raw);
  const auto* const number = std::get_if<std::int64_t>(&raw);
  if (number && setting.kind == Kind::Text)
    return "a string is required: \"" + std::to_string(*number) + "\"";
  if (!text) return "a string is required";
  if (Problem problem = check_bytes(*text); !problem.empty()) return problem;
  if (setting.kind == Kind::Choice) {
    const std::string all = ", " + std::string(setting.choices) + ", ";
    const bool known = !text->empty() && text->find_first_of(", ") == std::string::npos &&
                       all.find(", " + *text + ", ") != std::string::npos;
    if (!known) return "'" + *text + "' is not one of " + std::string(setting.choices);
  } else if (const auto size = static_cast<std::int64_t>(text->size());
             size < setting.min || size > setting.max) {
    return "has " + std::to_string(size) + " bytes; allowed are " + std::to_string(setting.min) +
           " to " + std::to_string(setting.max);
  }
  if (const char* problem = setting.check ? setting.check(*text) : nullptr) return problem;
  target = *text;
  return {};
}

Problem store(const Setting&, bool& target, const Raw& raw) {
  const auto* const value = std::get_if<bool>(&raw);
  if (!value) return "true or false is required";
  target = *value;
  return {};
}

template <class Number>
requires std::is_integral_v<Number> Problem store(const Setting& setting, Number& target,
                                                  const Raw& raw) {
  const auto* const value = std::get_if<std::int64_t>(&raw);
  if (!value) return "a whole number is required";
  if (*value < setting.min || *value > setting.max)
    return out_of_range(setting, std::to_string(*value));
  target = static_cast<Number>(*value);
  return {};
}

Problem store(const Setting& setting, Millis& target, const Raw& raw) {
  const auto* const text = std::get_if<std::string>(&raw);
  if (!text) return "a duration is required, such as \"" + duration_text(target.count()) + "\"";
  const auto parsed = parse_duration(*text);
  if (!parsed.ok())
    return parsed.error().message + "; such as \"" + duration_text(target.count()) + "\"";
  const std::int64_t ms = parsed.value().count();
  if (ms < setting.min || ms > setting.max)
    return *text + " is out of range (" + duration_text(setting.min) + " to " +
           duration_text(setting.max) + ")";
  target = parsed.value();
  return {};
}

Problem store(const Setting& setting, std::vector<std::string>& target, const Raw& raw) {
  const auto* const items = std::get_if<std::vector<std::string>>(&raw);
  if (!items) return "an array of strings is required";
  if (static_cast<std::int64_t>(items->size()) > setting.max)
    return "has " + std::to_string(items->size()) + " items; at most " +
           std::to_string(setting.max) + " are allowed";
  for (std::size_t i = 0; i < items->size(); ++i) {
    const char* problem = setting.check((*items)[i]);
    if (problem) return "item " + std::to_string(i + 1) + ": " + problem;
  }
  target = *items;
  return {};
}

std::string shown(const Setting&, const std::string& value) { return quoted(value); }
template <std::integral Number>
std::string shown(const Setting&, Number value) {
  if constexpr (std::is_same_v<Number, bool>) return value ? "true" : "false";
  return std::to_string(value);
}
std::string shown(const Setting&, Millis value) { return quoted(duration_text(value.count())); }
std::string shown(const Setting& setting, const std::vector<std::string>& items) {
  std::string out;
  for (const std::string& item : items)
    out += (out.empty() ? "" : ", ") + (setting.secret ? "\"…\"" : quoted(item));
  return "[" + out + "]";
}

}  // namespace

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

Error setting_error(std::string_view name, const std::string& problem, const std::string& origin) {
  return {Code::InvalidInput, origin + ": " + std::string(name) + ": " + problem,
          std::string(name)};
}

Result<void> assign(const Setting& setting, Config& config, const Raw& raw,
                    const std::string& origin) {
  const Problem problem = std::visit([&](auto* target) { return store(setting, *target, raw); },
                                     setting.target(config));
  if (problem.empty()) return ok();
  std::string type;
  if (const auto* const unknown = std::get_if<Unknown>(&raw)) type = unknown->type;
  if (std::holds_alternative<bool>(raw)) type = "boolean";
  return setting_error(setting.name, problem + (type.empty() ? "" : ", not a " + type), origin);
}

std::string toml_text(const Setting& setting, const Config& config) {
  // target() hands out pointers for writing; here the Config is only read.
  return std::visit([&](const auto* value) { return shown(setting, *value); },
                    setting.target(const_cast<Config&>(config)));
}

}  // namespace hearth::config
