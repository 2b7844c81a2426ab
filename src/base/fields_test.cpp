#include "base/fields.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

namespace hearth {
namespace {

using json = Json;

const json& sample() {
  static const json kSample = json::parse(R"({
    "name": "ember", "nothing": null, "on": true, "half": 0.5, "whole": 3, "round": 3.0,
    "negative": -2, "huge": 1e300, "big": 9223372036854775807, "bigger": 18446744073709551615,
    "list": [1, 2, 3], "empty": []})");
  return kSample;
}

Fields fields() { return Fields::of(sample(), "top").value(); }

TEST(Fields, WantsAnObject) {
  for (const char* text : {"[]", "1", "\"x\"", "null", "true"}) {
    const json value = json::parse(text);
    const auto got = Fields::of(value, "tools[0]");
    ASSERT_FALSE(got.ok()) << text;
    EXPECT_EQ(got.error().field, "tools[0]");
    EXPECT_EQ(got.error().message, "tools[0]: a JSON object is required");
  }
}

TEST(Fields, NullIsAbsent) {
  EXPECT_TRUE(fields().has("name"));
  EXPECT_FALSE(fields().has("nothing"));
  EXPECT_FALSE(fields().has("unheard"));
}

TEST(Fields, NamesTheirFullPath) {
  EXPECT_EQ(fields().path("name"), "top.name");
  EXPECT_EQ(Fields::of(sample()).value().path("name"), "name");
  EXPECT_EQ(fields().wrong("name", "is taken").message, "top.name: is taken");
}

TEST(Fields, ReadWhatIsThere) {
  const Fields f = fields();
  EXPECT_EQ(f.text("name").value(), "ember");
  EXPECT_EQ(f.text_or("name", "x").value(), "ember");
  EXPECT_EQ(f.flag_or("on", false).value(), true);
  EXPECT_EQ(f.number_or("half", 0, {0, 1}).value(), 0.5);
  EXPECT_EQ(f.number_or("whole", 0, {0, 5}).value(), 3.0);
  EXPECT_EQ(f.whole_or("whole", 0, {0, 5}).value(), 3);
  EXPECT_EQ(f.whole_or("round", 0, {0, 5}).value(), 3);
  EXPECT_EQ(f.whole_or("negative", 0, {-5, 5}).value(), -2);
  EXPECT_EQ(f.array("list", 3).value()->size(), 3u);
  EXPECT_EQ(f.array("empty", 0).value()->size(), 0u);
}

TEST(Fields, FallBackWhereNothingIsThere) {
  const Fields f = fields();
  for (const char* name : {"nothing", "unheard"}) {
    SCOPED_TRACE(name);
    EXPECT_EQ(f.text_or(name, "x").value(), "x");
    EXPECT_EQ(f.flag_or(name, true).value(), true);
    EXPECT_EQ(f.number_or(name, 0.25, {0, 1}).value(), 0.25);
    EXPECT_EQ(f.number(name, {0, 1}).value(), std::nullopt);
    EXPECT_EQ(f.whole_or(name, 7, {0, 9}).value(), 7);
    EXPECT_EQ(f.whole(name, {0, 9}).value(), std::nullopt);
    EXPECT_EQ(f.array(name, 3).value(), nullptr);
  }
}

TEST(Fields, RangesAreInclusive) {
  const Fields f = fields();
  EXPECT_TRUE(f.number("half", {0.5, 1}).ok());
  EXPECT_TRUE(f.number("half", {0, 0.5}).ok());
  EXPECT_FALSE(f.number("half", {0.51, 1}).ok());
  EXPECT_FALSE(f.number("half", {0, 0.49}).ok());
  EXPECT_TRUE(f.whole("whole", {3, 3}).ok());
  EXPECT_FALSE(f.whole("whole", {4, 9}).ok());
  EXPECT_FALSE(f.whole("whole", {0, 2}).ok());
}

TEST(Fields, EveryRefusalNamesItsField) {
  const Fields f = fields();
  const std::int64_t kMax = INT64_MAX;
  struct Case {
    const char* field;
    std::function<Result<void>(const char*)> read;
    const char* message;
  };
  const auto drop = [](auto result) { return result.ok() ? ok() : Result<void>(result.error()); };
  const Case kCases[] = {
      {"unheard", [&](auto n) { return drop(f.text(n)); }, "top.unheard: a string is required"},
      {"whole", [&](auto n) { return drop(f.text(n)); }, "top.whole: a string is required"},
      {"name", [&](auto n) { return drop(f.flag_or(n, false)); },
       "top.name: true or false is required"},
      {"name",
       [&](auto n) {
         return drop(f.number(n, {0, 2}));
       },
       "top.name: a number from 0 to 2 is required"},
      {"huge",
       [&](auto n) {
         return drop(f.number(n, {-1.5, 2}));
       },
       "top.huge: a number from -1.5 to 2 is required"},
      {"half",
       [&](auto n) {
         return drop(f.whole(n, {0, 5}));
       },
       "top.half: a whole number from 0 to 5 is required"},
      {"huge",
       [&](auto n) {
         return drop(f.whole(n, {0, kMax}));
       },
       "top.huge: a whole number from 0 to 9223372036854775807 is required"},
      {"on",
       [&](auto n) {
         return drop(f.whole(n, {0, 1}));
       },
       "top.on: a whole number from 0 to 1 is required"},
      {"on",
       [&](auto n) {
         return drop(f.whole(n, {1, 1}));
       },
       "top.on: 1 is required"},
      {"name", [&](auto n) { return drop(f.array(n, 3)); }, "top.name: an array is required"},
      {"list", [&](auto n) { return drop(f.array(n, 2)); },
       "top.list: has 3 items, at most 2 are allowed"},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.message);
    const auto got = c.read(c.field);
    ASSERT_FALSE(got.ok());
    EXPECT_EQ(got.error().code, Code::InvalidInput);
    EXPECT_EQ(got.error().message, c.message);
    EXPECT_EQ(got.error().field, std::string("top.") + c.field);
  }
}

TEST(ParseJson, GivesTheValue) {
  EXPECT_EQ(parse_json(R"({"a": [1, "x"]})", "body").value()["a"][1], "x");
}

TEST(ParseJson, SaysWhereItBroke) {
  const auto got = parse_json(R"({"a": 1,,})", "body");
  ASSERT_FALSE(got.ok());
  EXPECT_EQ(got.error().code, Code::InvalidInput);
  EXPECT_EQ(got.error().message, "body: not valid JSON (error at byte 9)");
}

TEST(ParseJson, RefusesWhatIsNoJson) {
  for (const std::string text :
       {"", " ", "{", "nul", "{'a': 1}", "[1,]", "\"\x80\"", "1 2", "\x01"})
    EXPECT_FALSE(parse_json(text, "body").ok()) << text;
}

TEST(ParseJson, BoundsTheDepth) {
  const auto nested = [](int depth) {
    return std::string(static_cast<std::size_t>(depth), '[') +
           std::string(static_cast<std::size_t>(depth), ']');
  };
  EXPECT_TRUE(parse_json(nested(64), "body").ok());
  EXPECT_EQ(parse_json(nested(65), "body").error().message, "body: JSON nested deeper than 64");
  EXPECT_TRUE(parse_json(nested(3), "body", 3).ok());
  EXPECT_FALSE(parse_json(nested(4), "body", 3).ok());
  // Brackets inside strings, escaped quotes included, are text.
  EXPECT_TRUE(parse_json(R"(["[[[[\"[[["])", "body", 1).ok());
}

TEST(ParseJson, KeepsTheOrderOfMembers) {
  EXPECT_EQ(parse_json(R"({"b":1,"a":{"d":2,"c":3},"b":4})", "body").value().dump(),
            R"({"b":4,"a":{"d":2,"c":3}})");
}

TEST(ParseJson, BoundsTheMembersOfAnObject) {
  const auto object = [](std::size_t members) {
    std::string text = R"({"0":[{},{"a":",,","b":[1,2]}])";
    for (std::size_t i = 1; i < members; ++i) text += ",\"" + std::to_string(i) + "\":1";
    return text + "}";
  };
  EXPECT_TRUE(parse_json(object(kMembersMax), "body").ok());
  EXPECT_EQ(parse_json(object(kMembersMax + 1), "body").error().message,
            "body: JSON with an object of more than 4096 members");
  const std::string list = "[1" + std::string(2 * kMembersMax, ',');  // lists may be longer
  EXPECT_EQ(parse_json(list, "body").error().message.find("members"), std::string::npos);
}

TEST(ParseJson, RefusesDepthAtOnceHoweverDeep) {
  EXPECT_FALSE(parse_json(std::string(1'000'000, '['), "body").ok());
}

}  // namespace
}  // namespace hearth
