#include "engine/schema/fit.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "engine/schema/text_pattern.h"

namespace hearth::engine {
namespace {

constexpr int kDepthMax = 4;

// The calendar is kept: 29 February needs a leap year.
#define HEARTH_YEAR "([0-9]{3}[1-9]|[0-9]{2}[1-9][0-9]|[0-9][1-9][0-9]{2}|[1-9][0-9]{3})"
#define HEARTH_LEAP "([0-9]{2}(0[48]|[2468][048]|[13579][26])|(0[48]|[2468][048]|[13579][26])00)"
#define HEARTH_DATE                                                                \
  "(" HEARTH_YEAR                                                                  \
  "-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|" \
  "02-(0[1-9]|1[0-9]|2[0-8]))|" HEARTH_LEAP "-02-29)"
#define HEARTH_TIME \
  "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{3})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
constexpr std::pair<const char*, const char*> kFormats[] = {
    {"date", "^" HEARTH_DATE "$"},
    {"time", "^" HEARTH_TIME "$"},
    {"date-time", "^" HEARTH_DATE "T" HEARTH_TIME "$"},
    {"uuid", "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"}};

/// nullptr: unknown. Made once; immutable.
const Automaton* format_named(const std::string& name) {
  static const auto kMade = [] {
    std::map<std::string, Automaton> made;
    for (const auto& [known, pattern] : kFormats) {
      Work work;
      auto automaton = read_pattern(pattern, work);
      if (automaton.ok() && automaton.value()) made.emplace(known, *automaton.value());
    }
    return made;
  }();
  const auto found = kMade.find(name);
  return found == kMade.end() ? nullptr : &found->second;
}

std::uint8_t type_of(const Json& value) {
  switch (value.type()) {
    case Json::value_t::object: return kObjectType;
    case Json::value_t::array: return kArrayType;
    case Json::value_t::string: return kStringType;
    case Json::value_t::boolean: return kBooleanType;
    case Json::value_t::null: return kNullType;
    default: break;
  }
  const double number = value.get<double>();
  return std::trunc(number) == number ? kIntegerType : kFractionType;
}

bool is_within(const Json& value, const Demands& demands) {
  const double number = value.get<double>();
  if (demands.low) {
    const double low = demands.low->value.get<double>();
    if (number < low || (demands.low->is_open && number == low)) return false;
  }
  if (!demands.high) return true;
  const double high = demands.high->value.get<double>();
  return number < high || (!demands.high->is_open && number == high);
}

bool is_counted(std::size_t count, const Lengths& lengths) {
  return count >= lengths.min && (!lengths.max || count <= *lengths.max);
}

bool lie_apart(const Lengths& a, const Lengths& b) {
  return (a.max && *a.max < b.min) || (b.max && *b.max < a.min);
}

bool lie_apart(const std::optional<Demands::Bound>& high,
               const std::optional<Demands::Bound>& low) {
  if (!high || !low) return false;
  const double h = high->value.get<double>(), l = low->value.get<double>();
  return h < l || (h == l && (high->is_open || low->is_open));
}

/// Adds one more automaton; false if both together are too large.
bool narrow(std::optional<Automaton>& texts, const Automaton& more, Work& work) {
  if (!texts) {
    for (const auto& state : more.states) work.spend(8 + state.edges.size());
    texts = more;
    return true;
  }
  auto both = intersected(*texts, more, work);
  if (!both) return false;
  texts = std::move(both);
  return true;
}

Result<bool> no_choice_fits(const Demands& choices, const Demands& other, DemandReader& reader) {
  if (!choices.choices) return false;
  const auto is_choice = [&other](const Json& one) {
    return !other.choices || std::ranges::find(*other.choices, one) != other.choices->end();
  };
  Fitting fitting(other, reader);
  for (const Json& one : *choices.choices) {
    reader.work().spend(other.choices ? other.choices->size() : 0);
    const bool is_structured = one.is_object() || one.is_array();
    if (is_structured && !other.choices && (type_of(one) & other.types) != 0) return false;
    if (!is_choice(one)) continue;
    TRY(const bool fits, fitting.takes(one));
    if (fits) return false;
  }
  return true;
}

/// Objects: `b` requires a member that `a` never has, or has with other values.
Result<bool> misses_members(const Demands& a, const Demands& b, DemandReader& reader, int depth) {
  for (const std::string& name : b.required) {
    reader.work().spend(16 + a.properties.size() + b.properties.size());
    TRY_VOID(reader.work().check());
    const auto mine = std::ranges::find(a.properties, name, &Demands::Property::name);
    if (mine == a.properties.end()) {
      if (a.is_closed) return true;
      continue;
    }
    const auto theirs = std::ranges::find(b.properties, name, &Demands::Property::name);
    if (theirs == b.properties.end() || depth >= kDepthMax) continue;
    Demands left, right;
    for (const Json* schema : mine->schemas) TRY_VOID(reader.add(*schema, "", left));
    for (const Json* schema : theirs->schemas) TRY_VOID(reader.add(*schema, "", right));
    if (!left.forms.empty() || !right.forms.empty()) continue;
    TRY(const bool apart, exclude_each_other(left, right, reader, depth + 1));
    if (apart) return true;
  }
  return false;
}

/// The texts that patterns and formats allow.
Result<std::optional<Automaton>> spelled(const Demands& demands, const std::string& place,
                                         DemandReader& reader) {
  std::optional<Automaton> texts;
  for (const std::string& pattern : demands.patterns) {
    const auto read = read_pattern(pattern, reader.work());
    if (!read.ok()) return schema_error(place_in(place, "pattern"), read.error().message);
    if (!read.value() || !narrow(texts, *read.value(), reader.work()))
      reader.loosen(place_in(place, "pattern"), "is more than a grammar can say");
  }
  for (const std::string& format : demands.formats) {
    const Automaton* known = format_named(format);
    if (!known || !narrow(texts, *known, reader.work()))
      reader.loosen(place_in(place, "format"), "\"" + format.substr(0, 40) + "\" is not known");
  }
  TRY_VOID(reader.work().check());
  return texts;
}

}  // namespace

Result<std::optional<Automaton>> texts_of(const Demands& demands, const std::string& place,
                                          DemandReader& reader) {
  TRY(auto texts, spelled(demands, place, reader));
  if (!texts || (demands.characters.min == 0 && !demands.characters.max)) return texts;
  if (auto both = limited(*texts, demands.characters, reader.work())) return both;
  reader.loosen(place, "the length together with the pattern is more than a grammar can say");
  return texts;
}

Result<bool> Fitting::takes(const Json& value) {
  reader_.work().spend(8);
  TRY_VOID(reader_.work().check());
  if ((type_of(value) & demands_.types) == 0) return false;
  if (value.is_number()) return is_within(value, demands_);
  if (value.is_array()) return is_counted(value.size(), demands_.items);
  if (!value.is_string()) return true;
  return takes_text(value.get_ref<const std::string&>());
}

Result<bool> Fitting::takes_text(const std::string& text) {
  reader_.work().spend(8 * text.size());
  if (!is_counted(characters_of(text).size(), demands_.characters)) return false;
  if (!texts_) {
    TRY(texts_, spelled(demands_, "", reader_));
  }
  return !*texts_ || allows(**texts_, text);
}

Result<bool> exclude_each_other(const Demands& a, const Demands& b, DemandReader& reader,
                                int depth) {
  TRY(const bool first, no_choice_fits(a, b, reader));
  if (first) return true;
  TRY(const bool second, no_choice_fits(b, a, reader));
  if (second) return true;
  const auto common = static_cast<std::uint8_t>(a.types & b.types);
  if (common == 0) return true;
  // A type that both take must tell them apart by what it holds.
  if ((common & (kBooleanType | kNullType)) != 0) return false;
  if ((common & kNumberTypes) != 0 && !lie_apart(a.high, b.low) && !lie_apart(b.high, a.low))
    return false;
  if ((common & kStringType) != 0 && !lie_apart(a.characters, b.characters)) return false;
  if ((common & kArrayType) != 0 && !lie_apart(a.items, b.items)) return false;
  if ((common & kObjectType) == 0) return true;
  TRY(const bool mine, misses_members(a, b, reader, depth));
  if (!mine) return false;
  return misses_members(b, a, reader, depth);
}

}  // namespace hearth::engine
