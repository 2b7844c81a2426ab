#include "engine/runtime/stop_text.h"

#include <gtest/gtest.h>

namespace hearth::engine {
namespace {

struct Case {
  const char* what;
  std::vector<std::string> stops;
  std::vector<std::string> pieces;    // as the tokens bring them
  std::vector<std::string> released;  // after each piece, and after the end unless a stop came
  std::string stop;
};

TEST(StopText, Table) {
  const Case kCases[] = {
      {"no stops", {}, {"ab", "c"}, {"ab", "c", ""}, ""},
      {"empty stop is none", {""}, {"ab"}, {"ab", ""}, ""},
      {"inside a token", {"STOP"}, {"one STOP two"}, {"one "}, "STOP"},
      {"at the very beginning", {"x"}, {"xyz"}, {""}, "x"},
      {"across tokens", {"STOP"}, {"one S", "TO", "P two"}, {"one ", "", ""}, "STOP"},
      {"a false beginning comes out", {"STOP"}, {"S", "TO", "RE"}, {"", "", "STORE", ""}, ""},
      {"a new beginning inside an old one", {"aab"}, {"aa", "a", "b"}, {"", "a", ""}, "aab"},
      {"held text comes out at the end", {"STOP"}, {"oneSTO"}, {"one", "STO"}, ""},
      {"the first in the text wins", {"two", "one"}, {"a one two"}, {"a "}, "one"},
      {"the longer hold wins", {"xyz", "yzab"}, {"-xy", "zz"}, {"-", ""}, "xyz"},
      {"a character in two tokens", {}, {"\xC3", "\xBC"}, {"", "ü", ""}, ""},
      {"a character in four tokens",
       {},
       {"a\xF0", "\x9F", "\x99", "\x82"},
       {"a", "", "", "🙂", ""},
       ""},
      {"an unfinished character is dropped", {}, {"a\xE4\xB8"}, {"a", ""}, ""},
      {"an ill-formed byte is replaced",
       {},
       {"a\xFF"
        "b"},
       {"a\xEF\xBF\xBD"
        "b",
        ""},
       ""},
      {"a stop of several bytes a character", {"世界"}, {"hi 世", "界!"}, {"hi ", ""}, "世界"},
      {"a stop that ends inside a token's character",
       {"\xE4\xB8\x96"},
       {"\xE4\xB8", "\x96\xE7"},
       {"", ""},
       "\xE4\xB8\x96"},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.what);
    StopText text(c.stops);
    std::string stop;
    std::size_t step = 0;
    for (const std::string& piece : c.pieces) {
      const StopText::Release out = text.add(piece);
      ASSERT_LT(step, c.released.size());
      EXPECT_EQ(out.text, c.released[step++]);
      stop = out.stop;
      if (!stop.empty()) break;
    }
    EXPECT_EQ(stop, c.stop);
    if (stop.empty()) {
      EXPECT_EQ(text.finish().text, c.released[step++]);
    }
    EXPECT_EQ(step, c.released.size());
  }
}

TEST(StopText, CountsTheBytesThatAreOut) {
  StopText text({"STOP"});
  EXPECT_EQ(text.add("ab\xFF").bytes, 3u);
  EXPECT_EQ(text.add("S").bytes, 3u);
  EXPECT_EQ(text.add("x\xC3").bytes, 5u);
  EXPECT_EQ(text.finish().bytes, 5u);
}

}  // namespace
}  // namespace hearth::engine
