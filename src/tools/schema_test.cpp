#include "tools/schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hearth::tools {
namespace {

using ::testing::HasSubstr;

TEST(SchemaMake, RefusesWhatItCannotUseAndSaysWhy) {
  struct Case {
    const char *schema, *says;
  };
  const Case kCases[] = {
      {"", "not valid JSON"},
      {"[]", "parameters: a schema is an object"},
      {"true", "parameters.type: \"object\" is required"},
      {R"({"type":"string"})", "parameters.type: \"object\" is required"},
      {R"({"type":["object","null"]})", "parameters.type: \"object\" is required"},
      {R"({"type":"thing"})", "parameters.type: is no type"},
      {R"({"type":[]})", "must not be empty"},
      {R"({"type":"object","$ref":"#"})", "parameters.$ref: is not understood"},
      {R"({"type":"object","allOf":[{}]})", "parameters.allOf: is not understood"},
      {R"({"type":"object","patternProperties":{}})", "is not understood"},
      {R"({"type":"object","properties":{"a":{"multipleOf":2}}})",
       "parameters.properties.a.multipleOf: is not understood"},
      {"{\"type\":\"object\",\"properties\":{\"a\\nb\":{}}}", "without control characters"},
      {R"({"type":"object","properties":{"":{}}})", "a name of 1 to 128 bytes"},
      {R"({"type":"object","properties":[]})", "parameters.properties: an object is required"},
      {R"({"type":"object","properties":{"a":3}})",
       "parameters.properties.a: a schema is an object"},
      {R"({"type":"object","properties":{"a":false}})", "a schema is an object"},
      {R"({"type":"object","required":["b"],"properties":{"a":{}}})", "names \"b\""},
      {R"({"type":"object","required":"a"})", "parameters.required: an array is required"},
      {R"({"type":"object","required":[1]})", "an array of names"},
      {R"x({"type":"object","properties":{"a":{"pattern":"(?=x)"}}})x",
       "parameters.properties.a.pattern: is no regular expression"},
      {R"({"type":"object","properties":{"a":{"pattern":7}}})", "a string is required"},
      {R"({"type":"object","properties":{"a":{"format":"email"}}})",
       "parameters.properties.a.format: is not one of"},
      {R"({"type":"object","properties":{"a":{"minimum":"1"}}})", "a number is required"},
      {R"({"type":"object","properties":{"a":{"minimum":1,"exclusiveMinimum":0}}})",
       "stands beside another"},
      {R"({"type":"object","properties":{"a":{"minLength":-1}}})", "a whole number from 0"},
      {R"({"type":"object","properties":{"a":{"minLength":2,"maxLength":1}}})", "leaves nothing"},
      {R"({"type":"object","properties":{"a":{"enum":[]}}})", "a list of values is required"},
      {R"({"type":"object","properties":{"a":{"anyOf":[]}}})", "a list of schemas is required"},
      {R"({"type":"object","properties":{"a":{"anyOf":[{}],"oneOf":[{}]}}})",
       "stands beside another"},
      {R"({"type":"object","properties":{"a":{"anyOf":[{"type":"x"}]}}})", "anyOf[0].type"},
      {R"({"type":"object","additionalProperties":3})",
       "additionalProperties: a schema is an object"},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.schema);
    const auto made = Schema::make(c.schema);
    ASSERT_FALSE(made.ok());
    EXPECT_EQ(made.error().code, Code::InvalidInput);
    EXPECT_THAT(made.error().message, HasSubstr(c.says));
  }
}

std::string nested(int depth) {
  std::string text = "{}";
  for (int i = 0; i < depth; ++i) text = R"({"type":"object","properties":{"a":)" + text + "}}";
  return text;
}

TEST(SchemaMake, IsBounded) {
  EXPECT_TRUE(Schema::make(nested(Schema::kDepthMax)).ok());
  EXPECT_THAT(Schema::make(nested(Schema::kDepthMax + 1)).error().message,
              HasSubstr("deeper than 16"));
  EXPECT_FALSE(Schema::make(nested(10'000)).ok());
  const auto wide = [](std::size_t count) {
    std::string text = R"({"type":"object","properties":{)";
    for (std::size_t i = 0; i < count; ++i)
      text += (i ? "," : "") + ("\"p" + std::to_string(i) + "\":{}");
    return text + "}}";
  };
  EXPECT_TRUE(Schema::make(wide(Schema::kNodesMax - 1)).ok());
  EXPECT_FALSE(Schema::make(wide(Schema::kNodesMax)).ok());
  EXPECT_TRUE(Schema::make("{}" + std::string(Schema::kBytesMax - 2, ' ')).ok());
  EXPECT_FALSE(Schema::make("{}" + std::string(Schema::kBytesMax - 1, ' ')).ok());
}

constexpr const char* kSchema = R"({"type":"object","properties":{
  "path":{"type":"string","minLength":1,"maxLength":5,"description":"where"},
  "lines":{"type":"integer","minimum":1,"maximum":10},
  "ratio":{"type":"number","exclusiveMinimum":0,"exclusiveMaximum":1},
  "kind":{"enum":["a","b",3,null]},
  "flag":{"type":"boolean"},
  "list":{"type":"array","items":{"type":"object","properties":{"name":{"type":"string"}},"required":["name"]},
          "minItems":1,"maxItems":2},
  "id":{"type":"string","pattern":"^[a-z]+$"},
  "day":{"type":"string","format":"date"},
  "at":{"type":"string","format":"date-time"},
  "uuid":{"type":"string","format":"uuid"},
  "either":{"anyOf":[{"type":"string"},{"type":"integer","maximum":5}]},
  "one":{"oneOf":[{"type":"integer"},{"type":"number"}]},
  "free":{"type":"object"},
  "map":{"type":"object","additionalProperties":{"type":"integer"}},
  "fixed":{"const":"x"},
  "big":{"type":"integer"}},
  "required":["path"]})";

TEST(SchemaRead, SaysWhereAndWhatWasExpected) {
  struct Case {
    std::string arguments;
    const char* problem;  // nullptr: fine
  };
  const Case kCases[] = {
      {R"({"path":"a"})", nullptr},
      {"", "arguments.path: required"},
      {"  \n", "arguments.path: required"},
      {"{}", "arguments.path: required"},
      {"null", "arguments: an object is required"},
      {"[]", "arguments: an object is required"},
      {"3", "arguments: an object is required"},
      {"{", "arguments: not valid JSON"},
      {R"({"path":"a"} x)", "arguments: not valid JSON"},
      {"{\"path\":\"\xff\"}", "not valid JSON"},
      {R"({"path":null})", "arguments.path: a string is required"},
      {R"({"path":3})", "arguments.path: a string is required"},
      {R"({"path":["a"]})", "arguments.path: a string is required"},
      {R"({"path":""})", "arguments.path: has 0 characters; 1 to 5 characters are allowed"},
      {R"({"path":"abcdef"})", "arguments.path: has 6 characters"},
      {"{\"path\":\"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\"}", nullptr},  // 5 characters
      {R"({"path":"a","lines":1})", nullptr},
      {R"({"path":"a","lines":10})", nullptr},
      {R"({"path":"a","lines":3.0})", nullptr},
      {R"({"path":"a","lines":0})", "arguments.lines: a whole number from 1 to 10 is required"},
      {R"({"path":"a","lines":11})", "a whole number from 1 to 10 is required"},
      {R"({"path":"a","lines":3.5})", "a whole number from 1 to 10 is required"},
      {R"({"path":"a","lines":"3"})", "a whole number from 1 to 10 is required"},
      {R"({"path":"a","lines":-9223372036854775808})", "a whole number"},
      {R"({"path":"a","lines":18446744073709551615})", "a whole number"},
      {R"({"path":"a","lines":1e300})", "a whole number"},
      {R"({"path":"a","lines":1e999})", "not valid JSON"},
      {R"({"path":"a","big":9223372036854775807})", nullptr},
      {R"({"path":"a","big":9223372036854775808})", "arguments.big: a whole number is required"},
      {R"({"path":"a","ratio":0.5})", nullptr},
      {R"({"path":"a","ratio":0})", "arguments.ratio: a number above 0 below 1 is required"},
      {R"({"path":"a","ratio":1})", "above 0 below 1"},
      {R"({"path":"a","kind":"b"})", nullptr},
      {R"({"path":"a","kind":null})", nullptr},
      {R"({"path":"a","kind":"c"})", "arguments.kind: is not one of \"a\", \"b\", 3, null"},
      {R"({"path":"a","flag":1})", "arguments.flag: true or false is required"},
      {R"({"path":"a","list":[{"name":"x"},{"name":"y"}]})", nullptr},
      {R"({"path":"a","list":[]})", "arguments.list: has 0 items; 1 to 2 items are allowed"},
      {R"({"path":"a","list":[{"name":"x"},{}]})", "arguments.list[1].name: required"},
      {R"({"path":"a","list":[{"name":"x","y":1}]})",
       "arguments.list[0].y: unknown; known are: name"},
      {R"({"path":"a","id":"abc"})", nullptr},
      {R"({"path":"a","id":"aBc"})", "arguments.id: does not match the pattern ^[a-z]+$"},
      {R"({"path":"a","id":"abc\n"})", "does not match"},
      {R"({"path":"a","day":"2026-02-30"})", nullptr},  // a pattern, no calendar
      {R"({"path":"a","day":"2026-13-01"})", "arguments.day: is no date"},
      {R"({"path":"a","at":"2026-01-02T03:04:05Z"})", nullptr},
      {R"({"path":"a","at":"2026-01-02 03:04:05"})", "is no date-time"},
      {R"({"path":"a","uuid":"00000000-0000-0000-0000-000000000000"})", nullptr},
      {R"({"path":"a","uuid":"0"})", "is no uuid"},
      {R"({"path":"a","either":"x"})", nullptr},
      {R"({"path":"a","either":5})", nullptr},
      {R"({"path":"a","either":6})", "arguments.either: fits none of 2 forms"},
      {R"({"path":"a","one":1.5})", nullptr},
      {R"({"path":"a","one":1})", "fits more than one"},
      {R"({"path":"a","free":{"any":[{"thing":1}]}})", nullptr},
      {R"({"path":"a","map":{"x":1}})", nullptr},
      {R"({"path":"a","map":{"x":"1"}})", "arguments.map.x: a whole number is required"},
      {R"({"path":"a","fixed":"x"})", nullptr},
      {R"({"path":"a","fixed":"y"})", "is not one of \"x\""},
      {R"({"path":"a","Path":"b"})", "arguments.Path: unknown; known are: path, lines"},
      {R"({"path":"a","path":3})", "a string is required"},  // the last of a name counts
      {R"({"path":"a","free":)" + std::string(40, '[') + std::string(40, ']') + "}",
       "nested deeper than 32"},
      {std::string(100'000, '['), "nested deeper than 32"},
  };
  const Schema schema = Schema::make(kSchema).value();
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.arguments.substr(0, 200));
    const auto read = schema.read(c.arguments);
    EXPECT_EQ(read.ok(), c.problem == nullptr) << (read.ok() ? "accepted" : read.error().message);
    if (read.ok() || !c.problem) continue;
    EXPECT_EQ(read.error().code, Code::InvalidInput);
    EXPECT_THAT(read.error().message, HasSubstr(c.problem));
  }
}

TEST(SchemaRead, ArgumentsAreBounded) {
  const Schema schema = Schema::make(R"({"type":"object"})").value();
  EXPECT_TRUE(schema.read("{}" + std::string(Schema::kArgumentsBytesMax - 2, ' ')).ok());
  EXPECT_THAT(schema.read("{}" + std::string(Schema::kArgumentsBytesMax - 1, ' ')).error().message,
              HasSubstr("at most 4194304"));
}

TEST(SchemaRead, HostileTextAgainstAPatternEndsSoon) {
  const Schema schema =
      Schema::make(R"({"type":"object","properties":{"a":{"pattern":"^(a*)*(a|aa)+$"}}})").value();
  EXPECT_FALSE(schema.read(R"({"a":")" + std::string(1'000'000, 'a') + R"(b"})").ok());
}

}  // namespace
}  // namespace hearth::tools
