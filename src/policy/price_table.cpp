#include "policy/price_table.h"

#include <algorithm>
#include <utility>

namespace hearth::policy {
namespace {

Result<MicroDollars> read_amount(const WrittenPrice& written, const char* field,
                                 const std::string& text) {
  const auto amount = parse_dollars(text);
  const std::string place = written.origin + ": price of " + written.model + ": " + field;
  if (!amount.ok()) return Error{Code::InvalidInput, place + ": " + amount.error().message, field};
  if (amount.value() > kPriceMax)
    return Error{Code::InvalidInput, place + ": more than " + dollars_text(kPriceMax), field};
  return amount.value();
}

/// What stands behind "-20" of a day: "250929", "25-09-29".
bool is_day_behind_century(std::string_view text) {
  const std::size_t dashes = static_cast<std::size_t>(std::ranges::count(text, '-'));
  const bool is_numbers =
      std::ranges::all_of(text, [](char c) { return c == '-' || (c >= '0' && c <= '9'); });
  return is_numbers && text.size() == 6 + dashes && (dashes == 0 || dashes == 2);
}

/// How many bytes of a name an entry fixes; -1: it is not for it. A whole name beats any beginning.
int fit_of(std::string_view entry, std::string_view model) {
  if (!entry.ends_with('*')) return entry == model ? static_cast<int>(model.size()) + 1 : -1;
  const std::string_view beginning = entry.substr(0, entry.size() - 1);
  if (!model.starts_with(beginning)) return -1;
  const bool fits =
      !entry.ends_with("-20*") || is_day_behind_century(model.substr(beginning.size()));
  return fits ? static_cast<int>(beginning.size()) : -1;
}

}  // namespace

Result<PriceEntry> read_price(const WrittenPrice& written) {
  PriceEntry entry{.model = written.model, .date = written.date, .source = written.source};
  TRY(entry.price.input, read_amount(written, "input", written.input));
  TRY(entry.price.output, read_amount(written, "output", written.output));
  TRY(entry.price.cache_read, read_amount(written, "cache_read", written.cache_read));
  TRY(entry.price.cache_write, read_amount(written, "cache_write", written.cache_write));
  return entry;
}

const PriceEntry* PriceTable::find(std::string_view model) const {
  const PriceEntry* best = nullptr;
  int fit = -1;
  for (const PriceEntry& entry : entries_) {
    const int here = fit_of(entry.model, model);
    if (here <= fit) continue;
    fit = here;
    best = &entry;
  }
  return best;
}

}  // namespace hearth::policy
