#include "app/request_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/fields.h"

namespace hearth::app {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

class Calendar final : public TimeSource {
 public:
  Clock::time_point now() const override { return {}; }
  std::chrono::system_clock::time_point wall() const override { return wall_; }
  void pass(std::chrono::seconds time) { wall_ += time; }

 private:
  std::chrono::system_clock::time_point wall_{
      std::chrono::seconds(1'764'324'000)};  // 2025-11-28 10:00
};

class RequestLogTest : public ::testing::Test {
 protected:
  RequestLogTest() {
    std::string name = std::filesystem::temp_directory_path() / "hearth-log-XXXXXX";
    folder_ = mkdtemp(name.data());
  }
  ~RequestLogTest() override { std::filesystem::remove_all(folder_); }
  std::unique_ptr<RequestLog> open(std::uint32_t days_max = 3) {
    return RequestLog::open(folder_ / "metrics", days_max, time_).value();
  }
  std::vector<Json> lines(const std::string& day) const {
    std::ifstream file(folder_ / "metrics" / (day + ".jsonl"));
    std::vector<Json> all;
    for (std::string line; std::getline(file, line);) all.push_back(Json::parse(line));
    return all;
  }
  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder_ / "metrics"))
      names.push_back(entry.path().filename());
    return names;
  }
  static model::Metering answer() {
    model::Metering metering;
    metering.session = "sess_1";
    metering.provider = "local";
    metering.model = "ember";
    metering.usage = {.prompt_tokens = 10, .cached_tokens = 4, .completion_tokens = 3};
    metering.tool_calls = 2;
    metering.took = Millis(650);
    return metering;
  }

  Calendar time_{};
  std::filesystem::path folder_{};
};

TEST_F(RequestLogTest, ALineHoldsNumbersAndNoNames) {
  const auto log = open();
  ASSERT_TRUE(log->add(answer()).ok());
  model::Metering forwarded = answer();
  forwarded.provider = "anthropic";
  forwarded.model = "anthropic/strong";
  forwarded.cost_micro = 390;
  forwarded.route = chat::Route{.asked = "auto", .level = "strategic"};
  forwarded.failed = Code::Timeout;
  ASSERT_TRUE(log->add(forwarded).ok());
  forwarded.route->passed_over = {"other: down"};
  ASSERT_TRUE(log->add(forwarded).ok());
  const auto all = lines("2025-11-28");
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0]["timestamp"], "2025-11-28T10:00:00Z");
  EXPECT_EQ(all[0]["routing_decision"], "local");
  EXPECT_EQ(all[0]["response_time_ms"], 650);
  EXPECT_EQ(all[0]["tokens_generated"], 3);
  EXPECT_EQ(all[0]["cached_tokens"], 4);
  EXPECT_EQ(all[0]["tool_uses"], 2);
  EXPECT_TRUE(all[0]["forward_reason"].is_null());
  EXPECT_EQ(all[0]["outcome"], "stop");
  EXPECT_THAT(all[0].dump(), Not(HasSubstr("sess_1")));
  EXPECT_EQ(all[1]["routing_decision"], "provider");
  EXPECT_EQ(all[1]["cost_microdollars"], 390);
  EXPECT_EQ(all[1]["forward_reason"], "strategic was needed");
  EXPECT_EQ(all[1]["outcome"], "Timeout");
  EXPECT_EQ(all[2]["forward_reason"], "others could not answer");
}

TEST_F(RequestLogTest, HashesAreTheSameAfterARestartAndOthersElsewhere) {
  ASSERT_TRUE(open()->add(answer()).ok());
  ASSERT_TRUE(open()->add(answer()).ok());
  const auto all = lines("2025-11-28");
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0]["session_id"], all[1]["session_id"]);
  std::filesystem::remove(folder_ / "metrics" / "salt");
  ASSERT_TRUE(open()->add(answer()).ok());
  EXPECT_NE(lines("2025-11-28")[2]["session_id"], all[0]["session_id"]);
  struct stat status {};
  ASSERT_EQ(::stat((folder_ / "metrics" / "2025-11-28.jsonl").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST_F(RequestLogTest, EachDayHasItsFileAndOldOnesGo) {
  const auto log = open(3);
  std::ofstream(folder_ / "metrics" / "2025-11-28.jsonl.bak") << "mine";
  for (int day = 0; day < 4; ++day) {
    ASSERT_TRUE(log->add(answer()).ok());
    time_.pass(std::chrono::hours(24));
  }
  EXPECT_THAT(files(), UnorderedElementsAre("salt", "2025-11-28.jsonl.bak", "2025-11-29.jsonl",
                                            "2025-11-30.jsonl", "2025-12-01.jsonl"));
}

TEST_F(RequestLogTest, AFolderThatCannotBeIsAnError) {
  std::ofstream(folder_ / "metrics") << "a file";
  const auto opened = RequestLog::open(folder_ / "metrics", 1, time_);
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code, Code::Unavailable);
}

}  // namespace
}  // namespace hearth::app
