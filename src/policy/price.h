#pragma once
#include <cstdint>
#include <string>

#include "base/result.h"

namespace hearth::policy {

/// Millionths of a dollar. Sums of money are whole numbers of them and nothing else.
using MicroDollars = std::int64_t;
inline constexpr MicroDollars kMicroDollarsMax =
    1'000'000'000'000'000;  // a thousand million dollars

/// Tokens of one call of a model, by what they cost.
struct TokenCounts {
  std::uint64_t input = 0;  // neither read from a provider's cache nor written to it
  std::uint64_t cache_read = 0;
  std::uint64_t cache_write = 0;
  std::uint64_t output = 0;
};

inline constexpr MicroDollars kPriceMax = 1'000'000'000'000;  // a million dollars

/// What a million tokens of each sort cost, up to kPriceMax.
struct Price {
  MicroDollars input = 0;
  MicroDollars cache_read = 0;
  MicroDollars cache_write = 0;
  MicroDollars output = 0;
};

/// What a call costs: each sort is rounded up to a whole micro-dollar, so that nothing costs less
/// than it does. At most kMicroDollarsMax. Pure.
MicroDollars cost_of(const Price& price, const TokenCounts& tokens);

/// The most that a call can cost whose prompt has `prompt` tokens and whose answer at most
/// `output`: as if all of the prompt were of the dearest sort. Pure.
MicroDollars worst_case(const Price& price, std::uint64_t prompt, std::uint64_t output);

/// "$12.34"; four decimals below a dollar, as "$0.0042". Rounded up.
std::string dollars_text(MicroDollars amount);
/// Reads "12.34", "$12.34", "0.000001". Errors: InvalidInput (no amount, more than six decimals,
/// negative, above kMicroDollarsMax).
Result<MicroDollars> parse_dollars(const std::string& text);

}  // namespace hearth::policy
