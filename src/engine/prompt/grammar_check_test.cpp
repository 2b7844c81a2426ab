#include "engine/prompt/grammar_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "llama-cpp.h"

namespace hearth::engine {
namespace {

using ::testing::HasSubstr;

std::string repeated(const std::string& text, int times) {
  std::string result;
  for (int i = 0; i < times; ++i) result += text;
  return result;
}

/// r0 ::= r1 "x" | r1 "y" and so on: each level doubles the ways to begin.
std::string doubling(int levels) {
  std::ostringstream text;
  text << "root ::= r0\n";
  for (int i = 0; i < levels; ++i) {
    text << 'r' << i << " ::= r" << i + 1 << " \"x\" | r" << i + 1 << " \"y\"\n";
  }
  text << 'r' << levels << " ::= \"z\"\n";
  return text.str();
}

std::string chain(int links) {
  std::ostringstream text;
  text << "root ::= r0\n";
  for (int i = 0; i < links; ++i) text << 'r' << i << " ::= r" << i + 1 << '\n';
  text << 'r' << links << " ::= \"z\"\n";
  return text.str();
}

TEST(CheckGrammarText, TakesWhatLlamaTakes) {
  const std::string kGood[] = {
      "root ::= \"a\"",
      "root ::= [a-z]+ (\"x\" | other){2,3} # a comment\n\nother ::= [^\\]\"] . \"\\\"\" | \"\"\n",
      "root ::= (\n \"a\"\n | \"b\"\n)?",
      "root ::= a\na ::= \"x\" a | \"y\"",
      "root ::= \"a\"{0,2000}",
      "root ::= \"a\"{3}",
      doubling(10),
      chain(900),
      "root ::= " + repeated("(", 200) + "\"a\"" + repeated(")", 200),
  };
  for (const std::string& grammar : kGood) {
    const auto checked = check_grammar_text(grammar);
    EXPECT_TRUE(checked.ok()) << grammar.substr(0, 80) << ": " << checked.error().message;
    const llama_sampler_ptr taken(llama_sampler_init_grammar(nullptr, grammar.c_str(), "root"));
    EXPECT_TRUE(taken) << grammar.substr(0, 80);
  }
}

TEST(CheckGrammarText, RefusesWhatWouldHangOrCrash) {
  const std::pair<std::string, const char*> kBad[] = {
      {"", "no rule \"root\""},
      {"other ::= \"a\"", "no rule \"root\""},
      {"root ::= nothing", "no rule \"nothing\""},
      {"root \"a\"", "lacks ::="},
      {"root ::= \"a", "does not end"},
      {"root ::= [a", "does not end"},
      {"root ::= (\"a\"", "lacks a )"},
      {"root ::= *", "repeats nothing"},
      {"root ::= \"a\"{5,2}", "less often"},
      {"root ::= \"a\"{2001}", "2000 times"},
      {"root ::= (\"a\"{1000}){3000}", "2000 times"},
      {"root ::= \"" + repeated("a", 30'000) + "\"{2000}", "too large"},
      {"root ::= root \"a\" | \"b\"", "left-recursive"},
      {"root ::= e root \"a\" | \"b\"\ne ::= f\nf ::= \"\" | \"x\"", "left-recursive"},
      {doubling(40), "too many ways"},
      {chain(5000), "too long a chain"},
      {"root ::= " + repeated("(", 300) + "\"a\"" + repeated(")", 300), "deeper than 256"},
      {std::string("root ::= \"a\"\0", 13), "zero byte"},
  };
  for (const auto& [grammar, says] : kBad) {
    const auto checked = check_grammar_text(grammar);
    ASSERT_FALSE(checked.ok()) << grammar.substr(0, 80);
    EXPECT_THAT(checked.error().message, HasSubstr(says)) << grammar.substr(0, 80);
  }
}

std::string object_of(int properties) {
  std::ostringstream text;
  text << R"({"type":"object","properties":{)";
  for (int i = 0; i < properties; ++i) {
    text << (i > 0 ? "," : "") << "\"p" << i << "\":{\"type\":\"null\"}";
  }
  text << "}}";
  return text.str();
}

std::string nested_unions(int levels) {
  std::string result = R"({"type":"null"})";
  for (int i = 0; i < levels; ++i) {
    result =
        R"({"type":["object","object","object","object","object","object"],"properties":{"a":)" +
        result + "}}";
  }
  return R"({"type":"object","properties":{"u":)" + result + "}}";
}

TEST(CheckSchema, TakesUsualSchemas) {
  for (
      const std::string& schema : {
          std::string("{}"),
          std::string(
              R"({"type":"object","properties":{"a":{"type":"integer","minimum":1,"maximum":9}},"required":["a"]})"),
          std::string(
              R"({"type":"object","properties":{"t":{"$ref":"#/$defs/t"}},"$defs":{"t":{"type":"object","properties":{"next":{"$ref":"#/$defs/t"}}}}})"),
          std::string(
              R"({"type":"object","properties":{"s":{"type":"string","minLength":1,"maxLength":40}}})"),
          std::string(
              R"({"type":"object","properties":{"a":{"type":"integer","minimum":100000000000000000}}})"),
          object_of(256),
          nested_unions(3),
      }) {
    const auto checked = check_schema(schema, "f", SchemaRoot::Object);
    EXPECT_TRUE(checked.ok()) << schema.substr(0, 80) << ": " << checked.error().message;
  }
}

TEST(CheckSchema, RefusesOthersAndNamesTheField) {
  const std::pair<std::string, const char*> kBad[] = {
      {"{", "not valid JSON"},
      {"[]", "is an object"},
      {R"({"type":"string"})", "\"type\": \"object\""},
      {R"({"type":"object","properties":[]})", "\"properties\" is an object"},
      {R"({"type":"object","properties":{"a":{"type":"colour"}}})", "unrecognized type"},
      {R"({"type":"object","properties":{"a":{"$ref":"https://example.org/x"}}})",
       "unsupported $ref"},
      {R"({"type":"object","properties":{"a":{"$ref":"#/$defs/none"}}})", "not found"},
      {R"({"type":"object","properties":{"a":{"type":"string","minLength":5,"maxLength":2}}})",
       "minLength is above"},
      {R"({"type":"object","properties":{"a":{"type":"array","items":{"type":"null"},"minItems":3000}}})",
       "2000 times"},
      {object_of(257), "256 properties"},
      {nested_unions(6), "2048 schemas"},
      {R"({"type":"object","properties":{")" + std::string(257, 'k') + R"(":{"type":"null"}}})",
       "256 bytes"},
      {R"({"type":"object","properties":{"a":)" + repeated(R"({"not":)", 40) + "{}" +
           repeated("}", 40) + "}}",
       "deeper than 32"},
  };
  for (const auto& [schema, says] : kBad) {
    const auto checked = check_schema(schema, "tools[0].function.parameters", SchemaRoot::Object);
    ASSERT_FALSE(checked.ok()) << schema.substr(0, 80);
    EXPECT_THAT(checked.error().message, HasSubstr(says)) << schema.substr(0, 80);
    EXPECT_EQ(checked.error().field, "tools[0].function.parameters");
    EXPECT_EQ(checked.error().message.find('\n'), std::string::npos);
  }
}

}  // namespace
}  // namespace hearth::engine
