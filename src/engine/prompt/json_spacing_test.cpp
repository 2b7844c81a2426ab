#include "engine/prompt/json_spacing.h"

#include <gtest/gtest.h>

#include "engine/prompt/grammar_check.h"
#include "json-schema-to-grammar.h"

namespace hearth::engine {
namespace {

TEST(JsonSpacing, Table) {
  struct Case {
    const char* grammar;
    const char* want;
  };
  const Case kCases[] = {
      {"", ""},
      {R"(a ::= "\"k\"" space ":" space value)", R"(a ::= "\"k\"" "" ":" " " value)"},
      {R"(a ::= "{" space k ( "," space k )* space "}")",
       R"(a ::= "{" "" k ( "," " " k )* "" "}")"},
      {R"(a ::= "[" space "]")", R"(a ::= "[" "" "]")"},
      // Between a tag and what it holds models write as they have learned it.
      {R"(a ::= "<call>" space b space "</call>")", R"(a ::= "<call>" space b space "</call>")"},
      // The rule itself, names that only contain the word, literals and classes stay.
      {"space ::= | \" \"", "space ::= | \" \""},
      {R"(a ::= "{" space-kv "}" outer-space)", R"(a ::= "{" space-kv "}" outer-space)"},
      {R"(a ::= "\":\" space" [":" space])", R"(a ::= "\":\" space" [":" space])"},
      {R"(a ::= "unclosed space)", R"(a ::= "unclosed space)"},
  };
  for (const Case& c : kCases) EXPECT_EQ(with_fixed_spacing(c.grammar), c.want);
}

TEST(JsonSpacing, WhatLlamaMakesOfSchemasStaysAGrammarWithoutChoices) {
  for (const char* schema :
       {R"({"type":"object"})", R"({"type":"array","items":{"type":"integer"},"maxItems":3})",
        R"({"type":"object","properties":{"space":{"type":"string"},"b":{"enum":[1,"x"]}},
            "required":["space"],"additionalProperties":false})",
        R"({"type":"object","additionalProperties":{"type":"array","items":{}}})",
        R"({"type":"array","prefixItems":[{"type":"null"},{"const":"c: , {"}]})"}) {
    const std::string made = json_schema_to_grammar(common_json::parse(schema));
    const std::string fixed = with_fixed_spacing(made);
    EXPECT_NE(fixed, made);
    EXPECT_TRUE(check_grammar_text(fixed).ok()) << fixed;
    EXPECT_EQ(fixed.find(" space "), std::string::npos) << fixed;
  }
}

}  // namespace
}  // namespace hearth::engine
