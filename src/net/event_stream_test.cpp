#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/client.h"

namespace hearth::net {
namespace {

using ::testing::ElementsAre;
using Events = std::vector<std::string>;

/// Feeds `pieces` in turn and collects what comes out.
Events parse(const std::vector<std::string_view>& pieces) {
  EventStreamParser parser;
  Events events;
  for (const auto piece : pieces) {
    parser.feed(piece, [&](std::string_view data) { events.emplace_back(data); });
  }
  return events;
}

struct Case {
  std::string text;
  Events want;
};

const Case kCases[] = {
    {"data: a\n\n", {"a"}},
    {"data:a\r\n\r\ndata: b\r\rdata:  c\n\n", {"a", "b", " c"}},
    {"data: a\ndata: b\ndata\n\n", {"a\nb\n"}},
    {"data\n\n", {""}},
    {"data:\n\n", {""}},
    {": comment\n\ndata: a\n: more\nevent: x\nid: 1\nretry: 5\n\n", {"a"}},
    {"event: x\n\n\n\n", {}},
    {"data: unfinished\n", {}},
    {"data: unfinished", {}},
    {"Data: no\ndatax: no\n data: no\n\n", {}},
    {"data: {\"a\":\"b: c\"}\n\ndata: [DONE]\n\n", {"{\"a\":\"b: c\"}", "[DONE]"}},
    {"\xEF\xBB\xBF"
     "data: a\n\n\xEF\xBB\xBF"
     "data: b\n\n",
     {"a"}},
    {"data: \xE2\x82\xAC\r\r\ndata: 2\r\n\n", {"\xE2\x82\xAC", "2"}},
    {"", {}},
};

TEST(EventStreamParser, WholeAndByteByByte) {
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.text);
    EXPECT_EQ(parse({c.text}), c.want);
    std::vector<std::string_view> bytes;
    for (std::size_t i = 0; i < c.text.size(); ++i) {
      bytes.push_back(std::string_view(c.text).substr(i, 1));
    }
    EXPECT_EQ(parse(bytes), c.want);
  }
}

TEST(EventStreamParser, CutAtAnyTwoPlaces) {
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.text);
    const std::string_view text = c.text;
    for (std::size_t first = 0; first <= text.size(); ++first) {
      for (std::size_t second = first; second <= text.size(); ++second) {
        ASSERT_EQ(
            parse({text.substr(0, first), text.substr(first, second - first), text.substr(second)}),
            c.want)
            << first << " " << second;
      }
    }
  }
}

TEST(EventStreamParser, LineLimitAtItsEdge) {
  const std::string prefix = "data:";
  const std::string longest(EventStreamParser::kLineBytesMax - prefix.size(), 'x');
  EventStreamParser parser;
  std::vector<std::size_t> sizes;
  const auto note = [&](std::string_view data) { sizes.push_back(data.size()); };
  parser.feed(prefix + longest + "\n\n", note);
  EXPECT_THAT(sizes, ElementsAre(longest.size()));
  EXPECT_EQ(parser.lost_events(), 0U);

  parser.feed(prefix + longest, note);
  parser.feed("x\ndata: more\n", note);  // one byte too many: the whole event goes
  parser.feed("\ndata: next\n\n", note);
  EXPECT_THAT(sizes, ElementsAre(longest.size(), 4));
  EXPECT_EQ(parser.lost_events(), 1U);
}

TEST(EventStreamParser, DataLimitOverSeveralLines) {
  const std::string half = "data:" + std::string(EventStreamParser::kLineBytesMax / 2, 'x') + "\n";
  EventStreamParser parser;
  int events = 0;
  const auto note = [&](std::string_view) { ++events; };
  parser.feed(half + half + "\ndata: next\n\n", note);
  EXPECT_EQ(events, 1);
  EXPECT_EQ(parser.lost_events(), 1U);
}

}  // namespace
}  // namespace hearth::net
