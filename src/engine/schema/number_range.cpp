#include "engine/schema/number_range.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <map>

namespace hearth::engine {
namespace {

constexpr int kShownDigitsMax = 20;

/// What lies between two magnitudes.
struct Magnitudes {
  Decimal low{}, high{};
  bool is_low_open = false, is_high_open = false;
};

bool is_zero(const Decimal& number) { return number.whole == "0" && number.fraction.empty(); }

/// Compares without signs.
int compare_magnitudes(const Decimal& a, const Decimal& b) {
  if (a.whole.size() != b.whole.size()) return a.whole.size() < b.whole.size() ? -1 : 1;
  const int whole = a.whole.compare(b.whole);
  return whole != 0 ? whole : a.fraction.compare(b.fraction);
}

/// Reads digits and compares them with both ends as it goes.
class DigitReader {
 public:
  DigitReader(Magnitudes between, bool is_whole)
      : between_(std::move(between)),
        is_whole_(is_whole),
        digits_(is_whole ? static_cast<int>(std::clamp<std::size_t>(
                               std::max(between_.low.whole.size(), between_.high.whole.size()),
                               kDigitsMax, kWholeDigitsMax))
                         : kDigitsMax) {}

  Automaton read(Work& work) {
    find({});
    Automaton out;
    for (std::size_t i = 0; i < places_.size(); ++i) {
      Automaton::State state;
      const Place place = places_[i];
      state.accepts = place.fraction < 0 ? may_end_whole(place) : may_end_fraction(place);
      if (place.fraction < 0 && place.count > 0 && may_have_fraction(place))
        state.edges.push_back({{'.', '.'}, find(begin_fraction(place))});
      for (std::uint32_t digit = '0'; digit <= '9'; ++digit) {
        const auto next = place.fraction < 0 ? after_whole(place, static_cast<char>(digit))
                                             : after_fraction(place, static_cast<char>(digit));
        if (next) state.edges.push_back({{digit, digit}, find(*next)});
      }
      out.states.push_back(std::move(state));
    }
    return simplified(out, work);
  }

 private:
  /// Where in a number it is, and how what was read compares with the ends' beginnings.
  struct Place {
    int count = 0;                // digits before the point
    bool is_zero = false;         // a zero that leads: nothing but a point may follow
    int to_low = 0, to_high = 0;  // -1 below, 0 alike so far, 1 above
    int fraction = -1;            // digits behind the point; -1: none yet
    int left = 0;                 // that may still come there
    auto operator<=>(const Place&) const = default;
  };

  static int compared(int so_far, const std::string& end, int at, char digit) {
    if (so_far != 0 || at >= static_cast<int>(end.size())) return so_far;
    const char other = end[static_cast<std::size_t>(at)];
    return digit < other ? -1 : digit > other ? 1 : 0;
  }
  /// How the digits before the point compare, now that there are no more.
  static int settled(int so_far, const std::string& end, int count) {
    const int size = static_cast<int>(end.size());
    return count != size ? (count < size ? -1 : 1) : so_far;
  }
  int low_of(const Place& p) const { return settled(p.to_low, between_.low.whole, p.count); }
  int high_of(const Place& p) const { return settled(p.to_high, between_.high.whole, p.count); }

  std::optional<Place> after_whole(const Place& place, char digit) const {
    if (place.is_zero || place.count >= digits_) return std::nullopt;
    Place next = place;
    next.to_low = compared(place.to_low, between_.low.whole, place.count, digit);
    next.to_high = compared(place.to_high, between_.high.whole, place.count, digit);
    next.is_zero = place.count == 0 && digit == '0';
    ++next.count;
    return next;
  }
  bool may_end_whole(const Place& place) const {
    if (place.count == 0) return false;
    const int low = low_of(place), high = high_of(place);
    const bool above =
        low > 0 || (low == 0 && between_.low.fraction.empty() && !between_.is_low_open);
    const bool below =
        high < 0 || (high == 0 && (!between_.high.fraction.empty() || !between_.is_high_open));
    return above && below;
  }
  bool may_have_fraction(const Place& place) const {
    return !is_whole_ && place.count < digits_ && low_of(place) >= 0 && high_of(place) <= 0;
  }
  Place begin_fraction(const Place& place) const {
    return {.to_low = low_of(place),
            .to_high = high_of(place),
            .fraction = 0,
            .left = digits_ - place.count};
  }

  static char digit_at(const std::string& digits, int at) {
    return at < static_cast<int>(digits.size()) ? digits[static_cast<std::size_t>(at)] : '0';
  }
  std::optional<Place> after_fraction(const Place& place, char digit) const {
    if (place.left == 0) return std::nullopt;
    Place next = place;
    const char low = digit_at(between_.low.fraction, place.fraction);
    const char high = digit_at(between_.high.fraction, place.fraction);
    if (place.to_low == 0 && digit != low) next.to_low = digit < low ? -1 : 1;
    if (place.to_high == 0 && digit != high) next.to_high = digit < high ? -1 : 1;
    if (next.to_low < 0 || next.to_high > 0) return std::nullopt;
    --next.left;
    // Where it is matters only beside an end.
    next.fraction = next.to_low == 0 || next.to_high == 0 ? place.fraction + 1 : 1;
    return next;
  }
  bool may_end_fraction(const Place& place) const {
    if (place.fraction == 0) return false;
    const int at = place.fraction;
    const bool has_low = at < static_cast<int>(between_.low.fraction.size());
    const bool has_high = at < static_cast<int>(between_.high.fraction.size());
    const bool above = place.to_low > 0 || (!has_low && !between_.is_low_open);
    const bool below = place.to_high < 0 || has_high || !between_.is_high_open;
    return above && below;
  }

  std::uint32_t find(const Place& place) {
    const auto [found, is_new] =
        numbers_.try_emplace(place, static_cast<std::uint32_t>(places_.size()));
    if (is_new) places_.push_back(place);
    return found->second;
  }

  const Magnitudes between_;
  const bool is_whole_;
  const int digits_;
  std::map<Place, std::uint32_t> numbers_{};
  std::vector<Place> places_{};
};

Automaton magnitudes(const Magnitudes& between, bool is_whole, Work& work) {
  const int order = compare_magnitudes(between.low, between.high);
  if (order > 0) return {};
  return DigitReader(between, is_whole).read(work);
}

Decimal largest(bool is_whole, const std::optional<Decimal>& other) {
  const std::size_t needed = other ? other->whole.size() : 0;
  const auto digits = is_whole ? std::clamp<std::size_t>(needed, kDigitsMax, kWholeDigitsMax)
                               : std::size_t{kDigitsMax};
  return {.whole = std::string(digits, '9')};
}

/// The part of the range from zero up, or mirrored, that below zero.
Automaton above_zero(const NumberRange& range, Work& work) {
  Magnitudes between{.high = range.high ? *range.high : largest(range.is_whole, range.low),
                     .is_high_open = range.high && range.is_high_open};
  if (range.high && range.high->is_negative) return {};
  if (range.low && !range.low->is_negative) {
    between.low = *range.low;
    between.is_low_open = range.is_low_open;
  }
  return magnitudes(between, range.is_whole, work);
}

NumberRange mirrored(const NumberRange& range) {
  const auto opposite = [](std::optional<Decimal> number) {
    if (number && !is_zero(*number)) number->is_negative = !number->is_negative;
    return number;
  };
  NumberRange out = range;
  out.low = opposite(range.high);
  out.high = opposite(range.low);
  std::swap(out.is_low_open, out.is_high_open);
  // Zero is written without a sign.
  if (!out.low || out.low->is_negative || is_zero(*out.low)) {
    out.low = Decimal{};
    out.is_low_open = true;
  }
  return out;
}

void remove_zeros(Decimal& number) {
  const auto first = number.whole.find_first_not_of('0');
  number.whole = first == std::string::npos ? "0" : number.whole.substr(first);
  number.fraction.erase(number.fraction.find_last_not_of('0') + 1);
  number.is_negative = number.is_negative && !is_zero(number);
}

}  // namespace

std::optional<Decimal> decimal_of(const Json& number) {
  if (!number.is_number()) return std::nullopt;
  std::string text = number.dump();  // the shortest that means this double
  Decimal out{.is_negative = text.starts_with('-')};
  if (out.is_negative) text.erase(0, 1);
  int shift = 0;
  if (const auto exponent = text.find_first_of("eE"); exponent != std::string::npos) {
    shift = std::stoi(text.substr(exponent + 1));
    text.erase(exponent);
  }
  const auto point = std::min(text.find('.'), text.size());
  out.whole = text.substr(0, point);
  out.fraction = point < text.size() ? text.substr(point + 1) : "";
  if (std::abs(shift) > kShownDigitsMax) return std::nullopt;
  for (; shift > 0; --shift) {
    out.whole += out.fraction.empty() ? '0' : out.fraction.front();
    if (!out.fraction.empty()) out.fraction.erase(0, 1);
  }
  for (; shift < 0; ++shift) {
    out.fraction.insert(0, 1, out.whole.empty() ? '0' : out.whole.back());
    if (!out.whole.empty()) out.whole.pop_back();
  }
  remove_zeros(out);
  const bool is_long = out.whole.size() > kShownDigitsMax || out.fraction.size() > kShownDigitsMax;
  return is_long ? std::nullopt : std::optional(out);
}

Automaton numbers_in(const NumberRange& range, Work& work) {
  const Automaton negative = above_zero(mirrored(range), work);
  Automaton out = above_zero(range, work);
  if (out.states.empty()) out.states.emplace_back();
  if (negative.states.empty()) return simplified(out, work);
  const auto offset = static_cast<std::uint32_t>(out.states.size());
  for (Automaton::State state : negative.states) {
    for (Automaton::Edge& edge : state.edges) edge.to += offset;
    out.states.push_back(std::move(state));
  }
  out.states[0].edges.insert(out.states[0].edges.begin(), {{'-', '-'}, offset});
  return simplified(out, work);
}

}  // namespace hearth::engine
