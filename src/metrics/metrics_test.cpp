#include "metrics/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <thread>

#include "base/log.h"

namespace hearth::metrics {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Metrics, TextOfEveryKind) {
  Registry registry;
  registry.counter("b_total", "Things.", {{"kind", "x"}}).add(3);
  registry.counter("b_total", "Things.", {{"kind", "y"}}).add();
  registry.gauge("c_ratio", "A ratio.").set(0.25);
  registry.gauge_from("d", "Asked for.", {}, [] { return 7.0; });
  auto& seconds = registry.histogram("a_seconds", "Time.", {0.5, 2}, {{"route", "/v1"}});
  seconds.observe(0.5);
  seconds.observe(0.75);
  seconds.observe(100);
  EXPECT_EQ(registry.text(),
            "# HELP a_seconds Time.\n"
            "# TYPE a_seconds histogram\n"
            "a_seconds_bucket{route=\"/v1\",le=\"0.5\"} 1\n"
            "a_seconds_bucket{route=\"/v1\",le=\"2\"} 2\n"
            "a_seconds_bucket{route=\"/v1\",le=\"+Inf\"} 3\n"
            "a_seconds_sum{route=\"/v1\"} 101.25\n"
            "a_seconds_count{route=\"/v1\"} 3\n"
            "# HELP b_total Things.\n"
            "# TYPE b_total counter\n"
            "b_total{kind=\"x\"} 3\n"
            "b_total{kind=\"y\"} 1\n"
            "# HELP c_ratio A ratio.\n"
            "# TYPE c_ratio gauge\n"
            "c_ratio 0.25\n"
            "# HELP d Asked for.\n"
            "# TYPE d gauge\n"
            "d 7\n");
}

TEST(Metrics, EscapesLabelValuesAndHelp) {
  Registry registry;
  registry.counter("x", "a \"b\" \\ c\nd", {{"l", "a \"b\" \\ c\nd"}});
  EXPECT_EQ(registry.text(),
            "# HELP x a \"b\" \\\\ c\\nd\n"
            "# TYPE x counter\n"
            "x{l=\"a \\\"b\\\" \\\\ c\\nd\"} 0\n");
}

TEST(Metrics, SpecialNumbers) {
  struct Case {
    double value;
    const char* want;
  };
  const double infinity = std::numeric_limits<double>::infinity();
  const Case kCases[] = {
      {0, "g 0\n"},           {-1.5, "g -1.5\n"},      {1e21, "g 1e+21\n"},
      {infinity, "g +Inf\n"}, {-infinity, "g -Inf\n"}, {std::nan(""), "g NaN\n"},
  };
  Registry registry;
  for (const auto& c : kCases) {
    registry.gauge("g", "G.").set(c.value);
    EXPECT_THAT(registry.text(), HasSubstr(c.want));
  }
}

TEST(Metrics, SameNameAndLabelsGiveTheSameObject) {
  Registry registry;
  auto& first = registry.counter("x", "X.", {{"a", "1"}, {"b", "2"}});
  EXPECT_EQ(&first, &registry.counter("x", "another help", {{"b", "2"}, {"a", "1"}}));
  EXPECT_NE(&first, &registry.counter("x", "X.", {{"a", "1"}, {"b", "3"}}));
  EXPECT_THAT(registry.text(), HasSubstr("# HELP x X.\n"));
}

TEST(Metrics, AskingAgainReplacesTheReader) {
  Registry registry;
  registry.gauge_from("g", "G.", {}, [] { return 1.0; });
  registry.gauge_from("g", "G.", {}, [] { return 2.0; });
  EXPECT_THAT(registry.text(), HasSubstr("\ng 2\n"));
}

TEST(Metrics, BucketEdgesAreInclusive) {
  Histogram histogram({1, 2});
  for (const double value : {-5.0, 1.0, 1.0000001, 2.0, 2.0000001}) histogram.observe(value);
  EXPECT_THAT(histogram.counts(), ElementsAre(2, 2, 1));
  histogram.observe(std::nan(""));
  EXPECT_THAT(histogram.counts(), ElementsAre(2, 2, 1));
  EXPECT_NEAR(histogram.sum(), 1.0000002, 1e-9);
}

TEST(MetricsDeathTest, MisuseIsABug) {
  ASSERT_TRUE(log::start("error", "daemon").ok());  // to standard error, where death tests look
  Registry registry;
  registry.counter("x", "X.");
  registry.histogram("h", "H.", {1});
  registry.gauge("g", "G.");
  EXPECT_DEATH(registry.gauge("x", "X."), "one type");
  EXPECT_DEATH(registry.histogram("h", "H.", {2}), "same bounds");
  EXPECT_DEATH(registry.gauge_from("g", "G.", {}, [] { return 0.0; }), "either set or read");
  EXPECT_DEATH(registry.counter("1x", "X."), "metric's name");
  EXPECT_DEATH(registry.counter("y", "Y.", {{"le", "1"}}), "label's name");
  EXPECT_DEATH(registry.counter("y", "Y.", {{"a-b", "1"}}), "label's name");
  EXPECT_DEATH(registry.counter("y", "Y.", {{"a", "1"}, {"a", "2"}}), "one value per label");
  EXPECT_DEATH(Histogram({2, 1}), "ascend");
}

TEST(Metrics, CountsFromManyThreads) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 2'000;
  Registry registry;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&] {
        for (int round = 0; round < kRounds; ++round) {
          registry.counter("c", "C.").add();
          registry.histogram("h", "H.", {1}).observe(0.5);
          if (round % 500 == 0) static_cast<void>(registry.text());
        }
      });
    }
  }
  EXPECT_EQ(registry.counter("c", "C.").value(), std::uint64_t{kThreads * kRounds});
  EXPECT_EQ(registry.histogram("h", "H.", {1}).sum(), kThreads * kRounds * 0.5);
}

}  // namespace
}  // namespace hearth::metrics
