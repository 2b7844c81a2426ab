#include "policy/price_table.h"

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

/// How many bytes of a name an entry fixes; -1: it is not for it. A whole name beats any beginning.
int fit_of(std::string_view entry, std::string_view model) {
  if (!entry.ends_with('*')) return entry == model ? static_cast<int>(model.size()) + 1 : -1;
  const std::string_view beginning = entry.substr(0, entry.size() - 1);
  return model.starts_with(beginning) ? static_cast<int>(beginning.size()) : -1;
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
