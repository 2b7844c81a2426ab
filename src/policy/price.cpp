#include "policy/price.h"

#include <algorithm>

namespace hearth::policy {
namespace {

constexpr std::uint64_t kMillion = 1'000'000;

/// Tokens times price, rounded up, and never above what there is.
MicroDollars part(std::uint64_t tokens, MicroDollars per_million) {
  const auto price =
      static_cast<std::uint64_t>(std::clamp<MicroDollars>(per_million, 0, kPriceMax));
  const std::uint64_t rest = (tokens % kMillion * price + kMillion - 1) / kMillion;
  std::uint64_t whole = 0;
  const bool too_much = __builtin_mul_overflow(tokens / kMillion, price, &whole) ||
                        __builtin_add_overflow(whole, rest, &whole);
  constexpr auto kMost = static_cast<std::uint64_t>(kMicroDollarsMax);
  return static_cast<MicroDollars>(too_much ? kMost : std::min(whole, kMost));
}

bool all_digits(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

MicroDollars cost_of(const Price& price, const TokenCounts& tokens) {
  const MicroDollars sum =
      part(tokens.input, price.input) + part(tokens.cache_read, price.cache_read) +
      part(tokens.cache_write, price.cache_write) + part(tokens.output, price.output);
  return std::min(sum, kMicroDollarsMax);
}

MicroDollars worst_case(const Price& price, std::uint64_t prompt, std::uint64_t output) {
  const MicroDollars dearest = std::max({price.input, price.cache_read, price.cache_write});
  return std::min(part(prompt, dearest) + part(output, price.output), kMicroDollarsMax);
}

std::string dollars_text(MicroDollars amount) {
  const bool is_small = amount < 1'000'000;
  const MicroDollars unit = is_small ? 100 : 10'000;
  const MicroDollars units = (amount + unit - 1) / unit;
  const MicroDollars a_dollar = 1'000'000 / unit;
  std::string decimals = std::to_string(units % a_dollar);
  decimals.insert(0, (is_small ? 4 : 2) - decimals.size(), '0');
  return "$" + std::to_string(units / a_dollar) + "." + decimals;
}

Result<MicroDollars> parse_dollars(const std::string& text) {
  const Error wrong{Code::InvalidInput,
                    "\"" + text.substr(0, 64) +
                        "\" is no amount; such as \"5\" or \"0.25\", with six decimals at most"};
  const std::string number = text.starts_with('$') ? text.substr(1) : text;
  const std::size_t point = std::min(number.find('.'), number.size());
  const std::string whole = number.substr(0, point);
  std::string rest = point < number.size() ? number.substr(point + 1) : "";
  const bool has_rest = point == number.size() || !rest.empty();
  if (whole.empty() || whole.size() > 10 || rest.size() > 6 || !has_rest || !all_digits(whole) ||
      !all_digits(rest))
    return wrong;
  rest.resize(6, '0');
  const MicroDollars amount = std::stoll(whole) * 1'000'000 + std::stoll(rest);
  if (amount > kMicroDollarsMax) return wrong;
  return amount;
}

}  // namespace hearth::policy
