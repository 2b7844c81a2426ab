#include "engine/schema/schema_rules.h"

#include <algorithm>
#include <utility>

#include "engine/schema/fit.h"
#include "engine/schema/number_range.h"

namespace hearth::engine {
namespace {

using Schemas = Demands::Schemas;
/// The right side of a rule, or nothing: no value fits.
using Expression = std::optional<std::string>;

constexpr int kDepthMax = 64;  // of values in each other

void add_alternative(std::string& all, const std::string& one) {
  all += (all.empty() ? "" : " | ") + one;
}

class SchemaWriter {
 public:
  SchemaWriter(const Json& schema, const std::string& prefix)
      : schema_(schema),
        reader_(schema, loosened_, work_),
        quiet_(schema, unclear_, work_),
        book_(prefix) {}

  Result<SchemaGrammar> write() {
    TRY(const Expression root, visit({&schema_}, "", 0));
    if (!root) return Error{Code::InvalidInput, "no value can fit it" + contradiction_};
    return SchemaGrammar{*root, book_.rules(), std::move(loosened_)};
  }

 private:
  /// A value that must fit all of `schemas`. Recursive schemas meet themselves here.
  Result<Expression> visit(Schemas schemas, const std::string& place, int depth) {
    std::sort(schemas.begin(), schemas.end());
    if (const auto known = known_.find(schemas); known != known_.end()) return known->second;
    if (depth > kDepthMax) return Error{Code::TooLarge, place + ": nests deeper than 64"};
    Demands demands;
    for (const Json* schema : schemas) TRY_VOID(reader_.add(*schema, place, demands));
    const std::string name = book_.reserve();
    known_[schemas] = name;
    TRY(const Expression body, write_value(std::move(demands), place, depth));
    known_[schemas] = body ? Expression(name) : std::nullopt;
    if (body) {
      book_.set(name, *body);
    } else if (contradiction_.empty() && !place.empty()) {
      contradiction_ = " (at " + place + ")";
    }
    return known_[schemas];
  }

  Result<Expression> write_value(Demands demands, const std::string& place, int depth) {
    TRY_VOID(work_.check());
    if (++visits_ > kSchemaVisitsMax || book_.size() > kSchemaRulesMax ||
        book_.size_bytes() > kSchemaTextBytesMax)
      return Error{Code::TooLarge, "the grammar for it would be too large"};
    if (!demands.may_fit()) return Expression();
    if (!demands.forms.empty()) return write_forms(std::move(demands), place, depth);
    if (demands.choices) return write_choices(demands, place);
    infer_types(demands);
    if (demands.types == kAllTypes && !demands.says_types) return Expression(book_.any_value());
    std::string all;
    for (const std::uint8_t type : {kObjectType, kArrayType, kStringType, kFractionType,
                                    kIntegerType, kBooleanType, kNullType}) {
      const bool is_part = type == kIntegerType && (demands.types & kFractionType) != 0;
      if ((demands.types & type) == 0 || is_part) continue;
      TRY(const Expression one, write_type(static_cast<TypeBit>(type), demands, place, depth));
      if (one) add_alternative(all, *one);
    }
    return all.empty() ? Expression() : Expression(all);
  }

  /// Without `type`, what else is asked tells what is meant.
  static void infer_types(Demands& demands) {
    if (demands.says_types) return;
    const Lengths any;
    const bool speaks_of_texts = !demands.patterns.empty() || !demands.formats.empty() ||
                                 demands.characters.min != any.min || demands.characters.max;
    if (demands.speaks_of_members) {
      demands.types &= kObjectType;
    } else if (demands.speaks_of_items) {
      demands.types &= kArrayType;
    } else if (speaks_of_texts) {
      demands.types &= kStringType;
    } else if (demands.low || demands.high) {
      demands.types &= kNumberTypes;
    }
  }

  /// One list of alternatives, each together with everything else that is asked.
  Result<Expression> write_forms(Demands demands, const std::string& place, int depth) {
    const Demands::Forms forms = std::move(demands.forms.back());
    demands.forms.pop_back();
    std::vector<Demands> alternatives;
    std::string all;
    const std::size_t weight = demands.weight();
    for (const Json* form : forms.list) {
      work_.spend(2 * weight);
      Demands one = demands;
      TRY_VOID(reader_.add(*form, place, one));
      TRY(const Expression written, write_value(one, place, depth));
      if (!written) continue;
      add_alternative(all, *written);
      alternatives.push_back(std::move(one));
    }
    if (forms.exactly_one) TRY_VOID(check_exclusive(alternatives, forms.place));
    if (all.empty()) return Expression();
    return Expression(book_.define(all));
  }

  Result<void> check_exclusive(const std::vector<Demands>& alternatives, const std::string& place) {
    for (std::size_t i = 0; i < alternatives.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        work_.spend(16);
        TRY_VOID(work_.check());
        TRY(const bool apart, exclude_each_other(alternatives[j], alternatives[i], quiet_));
        const bool has_inner = !alternatives[i].forms.empty() || !alternatives[j].forms.empty();
        if (apart && !has_inner) continue;
        reader_.loosen(place, "more than one of its forms may fit");
        return ok();
      }
    }
    return ok();
  }

  Result<Expression> write_choices(const Demands& demands, const std::string& place) {
    std::string all;
    bool is_structured = false;
    Fitting fitting(demands, quiet_);
    for (const Json& choice : *demands.choices) {
      TRY(const bool fits, fitting.takes(choice));
      if (!fits) continue;
      is_structured |= choice.is_object() || choice.is_array();
      add_alternative(all, gbnf_literal(choice.dump()));
    }
    const bool asks_more = demands.speaks_of_members || demands.speaks_of_items;
    const bool is_unclear = !std::exchange(unclear_, {}).empty();
    if ((is_structured && asks_more) || is_unclear)
      reader_.loosen(place_in(place, "enum"), "is not compared with what stands beside it");
    work_.spend(8 * all.size());
    return all.empty() ? Expression() : Expression(all);
  }

  Result<Expression> write_type(TypeBit type, const Demands& demands, const std::string& place,
                                int depth) {
    switch (type) {
      case kObjectType: return write_object(demands, place, depth);
      case kArrayType: return write_array(demands, place, depth);
      case kStringType: return write_text(demands, place);
      case kBooleanType: return Expression(R"("true" | "false")");
      case kNullType: return Expression(R"("null")");
      default: return write_number(demands, place, (demands.types & kFractionType) == 0);
    }
  }

  Result<Expression> write_number(const Demands& demands, const std::string& place, bool is_whole) {
    const std::string any = is_whole ? book_.whole_number() : book_.number();
    if (!demands.low && !demands.high) return Expression(any);
    NumberRange range{.is_whole = is_whole};
    bool is_long = false;
    if (demands.low) {
      range.low = decimal_of(demands.low->value);
      range.is_low_open = demands.low->is_open;
      is_long |= !range.low;
    }
    if (demands.high) {
      range.high = decimal_of(demands.high->value);
      range.is_high_open = demands.high->is_open;
      is_long |= !range.high;
    }
    const Automaton numbers = is_long ? Automaton{} : numbers_in(range, work_);
    if (!numbers.allows_nothing()) return Expression(book_.bare(numbers));
    const bool may_fit = is_long || (!is_whole && lies_between(demands));
    if (!may_fit) return Expression();
    reader_.loosen(place, "its bounds have too many digits for a grammar");
    return Expression(any);
  }

  static bool lies_between(const Demands& demands) {
    if (!demands.low || !demands.high) return true;
    const double low = demands.low->value.get<double>(), high = demands.high->value.get<double>();
    const bool is_open = demands.low->is_open || demands.high->is_open;
    return low < high || (low == high && !is_open);
  }

  Result<Expression> write_text(const Demands& demands, const std::string& place) {
    TRY(const auto texts, texts_of(demands, place, reader_));
    if (texts) {
      const Automaton kept = writable(*texts, work_);
      if (kept.allows_nothing()) return Expression();
      return Expression(book_.text_of(kept));
    }
    const Lengths& lengths = demands.characters;
    if (lengths.min == 0 && !lengths.max) return Expression(book_.text());
    if (lengths.max && lengths.min > *lengths.max) return Expression();
    TRY(const std::string count, counted(lengths, place_in(place, "maxLength")));
    return Expression(book_.define("\"\\\"\" " + book_.character() + count + " \"\\\"\""));
  }

  /// "{1,5}".
  Result<std::string> counted(const Lengths& lengths, const std::string& place) {
    if (lengths.min > kSchemaCountMax)
      return Error{Code::TooLarge, place + ": no more than 2000 times can be required"};
    std::string text = "{" + std::to_string(lengths.min) + ",";
    if (lengths.max.value_or(0) > kSchemaCountMax) {
      reader_.loosen(place, "is above 2000");
    } else if (lengths.max) {
      text += std::to_string(*lengths.max);
    }
    return text + "}";
  }

  Result<Expression> write_array(const Demands& demands, const std::string& place, int depth) {
    const Lengths& counts = demands.items;
    if (counts.max && counts.min > *counts.max) return Expression();
    if (!demands.tuple.empty()) return write_tuple(demands, place, depth);
    if (demands.item.empty() && counts.min == 0 && !counts.max)
      return Expression(book_.any_array());
    Expression item = demands.item.empty() ? Expression(book_.any_value()) : std::nullopt;
    if (!item) {
      TRY(item, visit(demands.item, place_in(place, "items"), depth + 1));
    }
    const std::string none = R"("[" space "]")";
    if (!item || counts.max == std::size_t{0})
      return counts.min == 0 ? Expression(none) : Expression();
    const Lengths more{counts.min > 0 ? counts.min - 1 : 0,
                       counts.max ? std::optional(*counts.max - 1) : std::nullopt};
    TRY(const std::string count, counted(more, place_in(place, "maxItems")));
    std::string list = *item + " (\",\" space " + *item + ")" + count;
    if (counts.min == 0) list = "(" + list + ")?";
    return Expression(book_.define("\"[\" space " + list + " space \"]\""));
  }

  /// All places, and no more than these.
  Result<Expression> write_tuple(const Demands& demands, const std::string& place, int depth) {
    const std::size_t size = std::min(demands.tuple.size(), demands.items.max.value_or(SIZE_MAX));
    if (demands.items.min > size) {
      reader_.loosen(place_in(place, "minItems"), "is above the number of prefixItems");
    }
    std::string list;
    for (std::size_t i = 0; i < size; ++i) {
      const std::string inside = place_in(place, "prefixItems[" + std::to_string(i) + "]");
      TRY(const Expression item, visit(demands.tuple[i], inside, depth + 1));
      if (!item) return Expression();
      list += (i == 0 ? "" : " \",\" space ") + *item;
    }
    return Expression(book_.define("\"[\" space " + list + " space \"]\""));
  }

  bool is_fenced_out(const Demands& demands, const std::string& name) {
    work_.spend(16 * demands.fences.size());
    return std::ranges::any_of(demands.fences,
                               [&name](const auto& names) { return !names.contains(name); });
  }

  /// A member of an object, as it is written.
  struct Member {
    std::string text;  // an expression: name, colon, value
    bool is_required = false;
  };

  /// Nothing: one that is required cannot be.
  Result<std::optional<std::vector<Member>>> members_of(const Demands& demands,
                                                        const std::string& place, int depth) {
    std::vector<Member> members;
    TRY(const auto properties, with_unnamed(demands, place));
    for (const Demands::Property& property : properties) {
      const bool is_required = demands.required.contains(property.name);
      Expression value;
      if (!is_fenced_out(demands, property.name)) {
        const std::string inside = place_in(place_in(place, "properties"), property.name);
        TRY(value, visit(property.schemas, inside, depth + 1));
      }
      if (!value && is_required) return std::optional<std::vector<Member>>();
      if (!value) continue;
      const std::string key = gbnf_literal(Json(property.name).dump());
      members.push_back({book_.define(key + R"( space ":" space )" + *value), is_required});
    }
    return std::optional(std::move(members));
  }

  /// With what is required and stands in no list of properties.
  Result<std::vector<Demands::Property>> with_unnamed(const Demands& demands,
                                                      const std::string& place) {
    static const Json kAnything = Json::object();
    std::vector<Demands::Property> all = demands.properties;
    for (const std::string& name : demands.required) {
      work_.spend(16 + all.size());
      TRY_VOID(work_.check());
      if (std::ranges::find(all, name, &Demands::Property::name) != all.end()) continue;
      if (is_fenced_out(demands, name)) {
        reader_.loosen(place_in(place, "required"), "\"" + name + "\" is not among the properties");
      } else {
        all.push_back({name, demands.others.empty() ? Schemas{&kAnything} : demands.others});
      }
    }
    return all;
  }

  Result<Expression> write_object(const Demands& demands, const std::string& place, int depth) {
    const bool is_free = !demands.is_closed && demands.others.empty() &&
                         demands.properties.empty() && demands.required.empty();
    if (is_free) return Expression(book_.any_object());
    TRY(const auto members, members_of(demands, place, depth));
    if (!members) return Expression();
    Expression other;
    if (!demands.is_closed) {
      TRY(other, write_other(demands, place, depth));
    }
    return Expression(join_members(*members, other));
  }

  /// Any member that is not among the properties.
  Result<Expression> write_other(const Demands& demands, const std::string& place, int depth) {
    Expression value = demands.others.empty() ? Expression(book_.any_value()) : std::nullopt;
    if (!value) {
      TRY(value, visit(demands.others, place_in(place, "additionalProperties"), depth + 1));
    }
    if (!value) return Expression();
    std::vector<std::string_view> names;
    for (const auto& property : demands.properties) names.emplace_back(property.name);
    for (const std::string& name : demands.required) names.emplace_back(name);
    const std::string key =
        names.empty() ? book_.text() : book_.text_of(writable(any_but(names, work_), work_));
    return Expression(book_.define(key + R"( ":" space )" + *value));
  }

  /// A rule for what may follow each member, whether one was written before it or not: as many
  /// rules as members.
  std::string join_members(const std::vector<Member>& members, const Expression& other) {
    const std::string end = R"(space "}")";
    std::string first = end, later = end;  // what comes behind the last
    if (other) {
      later = book_.define("(\",\" space " + *other + ")* " + end);
      first = book_.define(*other + " " + later + " | " + end);
    }
    for (auto member = members.rbegin(); member != members.rend(); ++member) {
      std::string begin = member->text + " " + later;
      std::string go_on = "\",\" space " + begin;
      if (!member->is_required) {
        begin += " | " + first;
        go_on += " | " + later;
      }
      first = book_.define(begin);
      later = book_.define(go_on);
    }
    return book_.define("\"{\" space " + first);
  }

  const Json& schema_;
  std::vector<std::string> loosened_{};
  Work work_{};
  std::vector<std::string> unclear_{};  // what quiet_ could not tell, for what has no place
  DemandReader reader_, quiet_;
  RuleBook book_;
  std::map<Schemas, Expression> known_{};
  std::size_t visits_ = 0;
  std::string contradiction_{};  // where it was found first: " (at properties.a)"
};

}  // namespace

Result<SchemaGrammar> schema_grammar(const Json& schema, const std::string& prefix) {
  return SchemaWriter(schema, prefix).write();
}

}  // namespace hearth::engine
