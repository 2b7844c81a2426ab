#include "engine/schema/schema_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <ctime>

#include "engine/prompt/json_spacing.h"
#include "engine/schema/fit.h"
#include "engine/schema/number_range.h"
#include "engine/schema/text_pattern.h"
#include "llama-cpp.h"
#include "llama-grammar.h"

namespace hearth::engine {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// Whether a grammar takes this text from its beginning to its end.
class Taker {
 public:
  explicit Taker(const std::string& schema) {
    const auto json = parse_json(schema, "schema");
    auto made = schema_grammar(json.value(), "s-");
    if (!made.ok()) {
      problem = made.error().message;
      return;
    }
    loosened = made.value().loosened;
    gbnf_ = with_fixed_spacing("root ::= " + made.value().root + "\nspace ::= \" \"?\n" +
                               made.value().rules);
  }
  bool takes(const std::string& text) const {
    llama_grammar* const grammar =
        llama_grammar_init_impl(nullptr, gbnf_.c_str(), "root", false, nullptr, 0, nullptr, 0);
    if (!grammar) {
      ADD_FAILURE() << gbnf_;
      return false;
    }
    bool goes_on = true;
    for (const std::uint32_t character : characters_of(text)) {
      llama_grammar_accept(grammar, character);
      goes_on = goes_on && !llama_grammar_get_stacks(grammar).empty();
      if (!goes_on) break;
    }
    bool ended = false;
    if (goes_on)
      for (const auto& stack : llama_grammar_get_stacks(grammar)) ended |= stack.empty();
    llama_grammar_free_impl(grammar);
    return ended;
  }
  std::string problem{};
  std::vector<std::string> loosened{};

 private:
  std::string gbnf_{};
};

TEST(SchemaGrammar, TakesWhatFitsAndNothingElse) {
  struct Case {
    const char* schema;
    std::vector<const char*> fits, others;
  };
  const Case kCases[] = {
      {R"({"type":"number","minimum":-1.5,"exclusiveMaximum":2})",
       {"-1.5", "-1.25", "0", "0.5", "1.999", "1"},
       {"2", "2.0", "-1.6", "-2", "10", "1.", "-0", "01", "1e0"}},
      {R"({"type":"integer","minimum":100})",
       {"100", "101", "999", "1000", "12345678"},
       {"10", "99", "1", "-100", "0100"}},
      {R"({"type":"integer","minimum":-12,"maximum":7})",
       {"-12", "-9", "-1", "0", "7"},
       {"-13", "-20", "8", "12", "-0", "1.0"}},
      {R"({"type":"integer","exclusiveMinimum":0,"maximum":3})", {"1", "2", "3"}, {"0", "4"}},
      {R"({"type":"integer","minimum":1,"exclusiveMinimum":4,"maximum":6})", {"5", "6"}, {"4"}},
      {R"({"type":"number"})", {"0", "-0.5", "1e9", "12.25E-10"}, {"1e999", ".5", "+1"}},
      {R"({"type":"string","pattern":"b"})",
       {R"("b")", R"("abc")", R"("\"b")"},
       {R"("ac")", R"(""b")"}},
      {R"({"type":"string","pattern":"^[^a]+$"})",
       {R"("bc")", R"("\"")", R"("\\")"},
       {R"(""")", R"("a")", R"("\")"}},
      {R"({"type":"string","pattern":"^a|b$"})", {R"("ax")", R"("xb")"}, {R"("xa")", R"("bx")"}},
      {R"({"type":"string","pattern":"^[a-c]*$","minLength":2,"maxLength":3})",
       {R"("ab")", R"("abc")"},
       {R"("a")", R"("abca")", R"("ad")"}},
      {R"({"type":"string","pattern":"^\\d{2}(-\\w+)?$"})",
       {R"("12")", R"("12-x_9")"},
       {R"("1")", R"("12-")"}},
      {R"({"type":"string","minLength":2,"maxLength":2})",
       {R"("ab")", "\"\xc3\xa9\xf0\x9f\x98\x80\"", R"("\ud83d\ude00a")"},
       {R"("a")", R"("abc")", R"("\ud83d\ude00")", R"("\ud83d")", R"("a\x")"}},
      {R"({"type":"string","format":"date"})",
       {R"("2024-02-29")", R"("2023-12-31")"},
       {R"("2023-02-29")", R"("2024-04-31")", R"("0000-01-01")", R"("1900-02-29")"}},
      {R"({"type":["string","null"],"enum":["a",3,null]})", {R"("a")", "null"}, {"3", R"("b")"}},
      {R"({"enum":[1,"x y",{"a":[1]}]})", {"1", R"("x y")", R"({"a":[1]})"}, {"2"}},
      {R"({"type":"array","items":{"type":"boolean"},"minItems":1,"maxItems":2})",
       {"[true]", "[true, false]"},
       {"[]", "[true, true, true]", "[1]", "[true,]"}},
      {R"({"type":"array","items":{"type":"null"},"maxItems":0})", {"[]"}, {"[null]"}},
      {R"({"prefixItems":[{"type":"null"},{"type":"boolean"}]})", {"[null, true]"}, {"[null]"}},
      {R"({"type":"object","properties":{"a":{"type":"null"},"b":{"type":"null"},"c":{"type":"null"}},"required":["b"]})",
       {R"({"b": null})", R"({"a": null, "b": null})", R"({"b": null, "c": null})",
        R"({"a": null, "b": null, "c": null})"},
       {"{}", R"({"a": null})", R"({"b": null,})", R"({"b": null, "d": null})",
        R"({, "b": null})"}},
      {R"({"type":"object","properties":{"a\"]":{"type":"null"}},"additionalProperties":{"type":"boolean"}})",
       {"{}", R"({"a\"]": null})", R"({"x": true})", R"({"a\"]": null, "a": true, "": false})"},
       {R"({"a\"]": true})", R"({"x": null})", R"({"\x": true})"}},
      {R"({"type":"object"})", {"{}", R"({"a": [1, {"b": "c"}]})"}, {"[]"}},
      {R"({"anyOf":[{"type":"null"},{"type":"integer","maximum":-5,"minimum":-6}]})",
       {"null", "-5"},
       {"-4", "0"}},
      {R"({"type":"object","properties":{"a":{"type":"null"},"b":{"type":"null"}},"anyOf":[{"required":["a"]},{"required":["b"]}]})",
       {R"({"a": null})", R"({"b": null})"},
       {"{}"}},
      {R"({"allOf":[{"properties":{"a":{"type":"integer"}}},{"properties":{"a":{"maximum":3,"minimum":2}},"required":["a"]}]})",
       {R"({"a": 3})"},
       {"{}", R"({"a": 4})"}},
      {R"({"$ref":"#/$defs/t","$defs":{"t":{"type":"object","properties":{"n":{"$ref":"#/$defs/t"}}}}})",
       {"{}", R"({"n": {"n": {}}})"},
       {R"({"m": {}})"}},
      {R"({"const":"\u00e9\n"})", {"\"\xc3\xa9\\n\""}, {R"("e")"}},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.schema);
    const Taker taker(c.schema);
    ASSERT_EQ(taker.problem, "");
    EXPECT_THAT(taker.loosened, IsEmpty());
    for (const char* text : c.fits) EXPECT_TRUE(taker.takes(text)) << text;
    for (const char* text : c.others) EXPECT_FALSE(taker.takes(text)) << text;
  }
}

TEST(SchemaGrammar, SaysWhatItDoesNotKeep) {
  struct Case {
    const char *schema, *loosened;
  };
  const Case kCases[] = {
      {R"({"properties":{"a":{"type":"integer","multipleOf":3}}})",
       "properties.a.multipleOf: is not understood"},
      {R"({"type":"string","format":"email"})", "format: \"email\" is not known"},
      {R"x({"type":"string","pattern":"(?i)a"})x", "pattern: is more than a grammar can say"},
      {R"({"type":"string","maxLength":2001})", "maxLength: is above 2000"},
      {R"({"oneOf":[{"type":"integer"},{"type":"number"}]})",
       "oneOf: more than one of its forms may fit"},
      {R"({"type":"number","minimum":1e17})", ": its bounds have too many digits for a grammar"},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.schema);
    EXPECT_THAT(Taker(c.schema).loosened, ElementsAre(c.loosened));
  }
}

TEST(SchemaGrammar, FormsThatExcludeEachOtherAreKept) {
  for (const char* schema : {
           R"({"oneOf":[{"type":"integer"},{"type":"string"}]})",
           R"({"oneOf":[{"type":"integer","maximum":3},{"type":"number","minimum":4}]})",
           R"({"oneOf":[{"const":"a"},{"enum":["b","c"]}]})",
           R"({"oneOf":[{"type":"object","properties":{"k":{"const":"a"}},"required":["k"]},
                        {"type":"object","properties":{"k":{"const":"b"}},"required":["k"]}]})",
           R"({"oneOf":[{"type":"string","maxLength":3},{"type":"string","minLength":4}]})",
       }) {
    EXPECT_THAT(Taker(schema).loosened, IsEmpty()) << schema;
  }
}

TEST(SchemaGrammar, RefusesWhatNothingFitsAndSaysWhere) {
  struct Case {
    const char *schema, *says;
  };
  const Case kCases[] = {
      {R"({"properties":{"a":{"type":"string","enum":[1]}},"required":["a"]})",
       "no value can fit it (at properties.a)"},
      {R"({"type":"integer","minimum":3,"maximum":2})", "no value can fit"},
      {R"({"allOf":[{"type":"string"},{"type":"null"}]})", "no value can fit"},
      {R"({"type":"string","pattern":"a(b"})", "pattern: is no regular expression"},
      {R"({"type":"string","minLength":2001})", "no more than 2000 times"},
      {R"({"properties":{"a":{"minimum":"1"}}})", "properties.a.minimum: a number is required"},
      {R"({"$ref":"#/x"})", "is not found"},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.schema);
    EXPECT_THAT(Taker(c.schema).problem, HasSubstr(c.says));
  }
}

/// What may be anything nests in itself both ways; written again at each depth, it would double
/// with each. Seconds of the processor, far from both: less than 0.1 and 20.
TEST(SchemaGrammar, ManyMembersOfAnyKindAreWrittenOnce) {
  Json properties = Json::object();
  for (int i = 0; i < 200; ++i) properties["m" + std::to_string(i)] = Json::object();
  const std::clock_t begin = std::clock();
  const auto made = schema_grammar({{"type", "object"}, {"properties", properties}}, "s-");
  EXPECT_LT(std::clock() - begin, 5 * CLOCKS_PER_SEC);
  ASSERT_TRUE(made.ok()) << made.error().message;
  EXPECT_THAT(made.value().rules, HasSubstr("m199"));
}

/// Each would take minutes, in the 64 KiB that a schema may have.
TEST(SchemaGrammar, WhatWouldTakeTooMuchWorkIsRefused) {
  const std::string costly = "(a|b)*a(a|b){9}";
  Json values = Json::array(), forms = Json::array(), patterns = Json::array();
  for (int i = 0; i < 1'000; ++i) {
    values.push_back(i);
    forms.push_back({{"$ref", "#/$defs/values"}});
    patterns.push_back({{"type", "string"}, {"pattern", costly + std::to_string(i)}});
  }
  const Json meeting = {
      {"enum", values}, {"anyOf", forms}, {"$defs", {{"values", {{"enum", values}}}}}};
  const Json spelled = {{"enum", {"b"}}, {"oneOf", patterns}};
  for (const Json& schema : {meeting, spelled}) {
    const auto made = schema_grammar(schema, "s-");
    ASSERT_FALSE(made.ok());
    EXPECT_EQ(made.error().code, Code::TooLarge);
    EXPECT_EQ(made.error().message, "a grammar for it would take too much work");
  }
}

TEST(SchemaGrammar, APatternBesideAListOfValuesIsReadOnce) {
  Json schema = {{"pattern", "(a|b)*a(a|b){9}$"}, {"enum", Json::array()}};
  for (int i = 0; i < 1'000; ++i) schema["enum"].push_back("a" + std::to_string(i));
  schema["enum"].push_back("abbbbbbbbb");
  const auto made = schema_grammar(schema, "s-");
  ASSERT_TRUE(made.ok()) << made.error().message;
  EXPECT_THAT(made.value().rules, HasSubstr(R"(s-0 ::= "\"abbbbbbbbb\"")"
                                            "\n"));
}

TEST(NumbersIn, AgreesWithArithmetic) {
  const double kEnds[] = {-120, -12.5, -1, -0.05, 0, 0.1, 1, 9.99, 10, 105};
  for (const double low : kEnds) {
    for (const double high : kEnds) {
      if (low > high) continue;
      for (const bool open : {false, true}) {
        const NumberRange range{decimal_of(Json(low)), decimal_of(Json(high)), open, open, false};
        Work work;
        const Automaton numbers = numbers_in(range, work);
        for (int i = -13000; i <= 13000; i += 5) {
          const double value = i / 100.0;
          const bool is_inside = open ? low < value && value < high : low <= value && value <= high;
          std::string text = Json(value).dump();
          if (text.ends_with(".0")) text.resize(text.size() - 2);
          if (text == "-0") text = "0";
          ASSERT_EQ(allows(numbers, text), is_inside) << low << " " << high << " " << text;
        }
      }
    }
  }
}

TEST(ReadPattern, IsFoundAnywhereUnlessItIsAnchored) {
  struct Case {
    const char *pattern, *text;
    bool is_found;
  };
  const Case kCases[] = {
      {"", "", true},
      {"a", "xay", true},
      {"^a", "xa", false},
      {"a$", "ab", false},
      {"^$", "", true},
      {"^$", "a", false},
      {"a{2}", "aa", true},
      {"^a{2,}$", "a", false},
      {"^a{0,2}$", "aaa", false},
      {"a{", "a{", true},
      {"^(?:ab|c)+$", "abc", true},
      {"^(?<n>a)$", "a", true},
      {"^[^a-c\\d]$", "3", false},
      {"^[^a-c\\d]$", "d", true},
      {"^[]a]$", "]", true},
      {"^[a-]$", "-", true},
      {"^.$", "\n", false},
      {"^\\u00e9$", "\xc3\xa9", true},
      {"^\\x41\\.$", "A.", true},
      {"^a*?b$", "aab", true},
      {"^\\S$", " ", false},
  };
  Work work;
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.pattern);
    const auto read = read_pattern(c.pattern, work);
    ASSERT_TRUE(read.ok() && read.value());
    EXPECT_EQ(allows(*read.value(), c.text), c.is_found) << c.text;
  }
  for (const char* wrong : {"(", ")", "[a", "*", "a\\", "[b-a]", "a{3,2}"})
    EXPECT_FALSE(read_pattern(wrong, work).ok()) << wrong;
  for (const char* beyond : {"(?=a)", "\\bа", "\\pL", "(?i)a", "[[:alpha:]]", "a{1001}"})
    EXPECT_TRUE(read_pattern(beyond, work).ok() && !read_pattern(beyond, work).value()) << beyond;
  const std::string at_the_edge = "^" + std::string(kPatternBytesMax - 1, 'a');
  EXPECT_TRUE(read_pattern(at_the_edge, work).value().has_value());
  EXPECT_FALSE(read_pattern(at_the_edge + "a", work).value().has_value());
  EXPECT_FALSE(read_pattern("(a|b)*a(a|b){20}", work).value().has_value());  // a million states
}

}  // namespace
}  // namespace hearth::engine
