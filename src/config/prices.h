#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace hearth::config {

/// What a million tokens of a provider's models cost, in dollars as they are written ("0.25").
struct PriceLine {
  std::string model;  // "anthropic/claude-sonnet-4-5": kind/model; a "*" at its end: all such;
                      // "-20*": those with a day behind the name ("-20250929", "-2025-09-29")
  std::string input, output;
  std::string cache_read{}, cache_write{};  // empty: as input
  std::string date{};                       // when that was so: "2025-10-15"
  std::string source{};                     // where it says so: an address
  std::string origin{};                     // where it stands: "prices.toml:12"
};

inline constexpr std::size_t kPriceLinesMax = 4'096;

/// Reads a price table: `date` and `source` at the top hold for each [[price]] that has none of its
/// own. `file_name` is for messages. Errors: InvalidInput (syntax, unknown key, no model or price,
/// no date or source; names file and line), TooLarge (lines). Safe on any bytes.
Result<std::vector<PriceLine>> parse_prices(std::string_view text, const std::string& file_name);

/// The table that Hearth comes with.
const std::vector<PriceLine>& builtin_prices();

/// The lines of a file, then those that Hearth comes with. Empty path: these alone. Errors:
/// parse_prices'; NotFound, Unavailable (the file), TooLarge (above 1 MiB).
Result<std::vector<PriceLine>> load_prices(const std::string& path);

}  // namespace hearth::config
