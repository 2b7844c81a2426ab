#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/config.h"

namespace hearth::config {

/// Where a setting's value lives in a Config.
using Target = std::variant<bool*, std::string*, std::uint16_t*, std::uint32_t*, std::uint64_t*,
                            std::int32_t*, Millis*, std::vector<std::string>*>;

/// A value as a source wrote it, before it is checked.
struct Unknown {
  std::string type;  // "boolean", "table"
};
using Raw = std::variant<std::string, std::int64_t, std::vector<std::string>, Unknown, bool>;

enum class Kind : std::uint8_t { Text, Path, Choice, Whole, Duration, List, Paths, Flag };

/// One thing that can be set. The table of these drives parsing, the environment, the example file,
/// `config show` and its documentation.
struct Setting {
  std::string_view name;  // "server.port"
  Kind kind;
  Target (*target)(Config&);
  std::int64_t min;  // Whole: value; Duration: milliseconds; Text, Path: bytes; List, Paths: items
  std::int64_t max;
  std::string_view choices;  // Choice: "auto, f16, q8_0"
  const char* (*check)(
      std::string_view);        // Text, List, Paths: what is wrong with it, or nullptr; may be null
  std::string_view short_name;  // "HEARTH_PORT"; empty if none
  std::string_view foreign_name;  // Fabio-Claw's variable, "PORT"; empty if none
  bool secret;                    // never shown
  std::string_view help;          // lines for the example file, without "#"
};

std::span<const Setting> settings();
const Setting* find_setting(std::string_view name);

/// Checks a value and stores it. Errors: InvalidInput, with `field` set and the setting's name, the
/// limit and `origin` in its sentence. Secret values are never quoted.
Result<void> assign(const Setting& setting, Config& config, const Raw& raw,
                    const std::string& origin);

/// The value now, as TOML: `11435`, `"60s"`, `["a", "b"]`; secrets as `"…"`.
std::string toml_text(const Setting& setting, const Config& config);

/// Text without control characters as a string of TOML.
std::string quoted(const std::string& text);

/// {InvalidInput, "<origin>: <name>: <problem>", "<name>"}.
Error setting_error(std::string_view name, const std::string& problem, const std::string& origin);

}  // namespace hearth::config
