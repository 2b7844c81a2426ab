#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "policy/price.h"

namespace hearth::policy {

/// What one model costs, or several whose names begin alike.
struct PriceEntry {
  std::string model;  // "anthropic/claude-sonnet-4-5", or with a "*" at its end
  Price price{};
  std::string date{}, source{};  // when that was so, and who says so
};

/// A price as it is written down: dollars for a million tokens.
struct WrittenPrice {
  std::string model, input, output, cache_read, cache_write;
  std::string date{}, source{};
  std::string origin{};  // where it stands, for errors
};
/// Errors: InvalidInput (no amount, or above kPriceMax; names origin and field).
Result<PriceEntry> read_price(const WrittenPrice& written);

/// What models cost. Any thread may read it.
class PriceTable {
 public:
  /// Entries that come first win over later ones of the same name.
  void add(PriceEntry entry) { entries_.push_back(std::move(entry)); }
  /// The entry of exactly this name, else the one with the longest beginning of it; null: nobody
  /// knows. As long as the table is not changed.
  const PriceEntry* find(std::string_view model) const;
  const std::vector<PriceEntry>& entries() const { return entries_; }

 private:
  std::vector<PriceEntry> entries_{};
};

}  // namespace hearth::policy
