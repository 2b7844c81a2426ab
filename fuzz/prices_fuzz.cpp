// Any bytes as a price table: lines or an error, never a crash; what is a price at last is found
// under its name and never costs less than nothing.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "config/prices.h"
#include "policy/price_table.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto lines = hearth::config::parse_prices(text, "fuzz.toml");
  if (!lines.ok()) {
    if (lines.error().message.empty()) std::abort();
    return 0;
  }
  hearth::policy::PriceTable table;
  for (const auto& line : lines.value()) {
    if (line.date.empty() || line.source.empty()) std::abort();
    auto entry = hearth::policy::read_price({.model = line.model,
                                             .input = line.input,
                                             .output = line.output,
                                             .cache_read = line.cache_read,
                                             .cache_write = line.cache_write,
                                             .origin = line.origin});
    if (entry.ok()) table.add(std::move(entry).value());
  }
  for (const auto& entry : table.entries()) {
    const auto* const found = table.find(entry.model);
    if (!found || hearth::policy::worst_case(found->price, size, size) < 0) std::abort();
  }
  return 0;
}
