#include "store/summaries.h"

#include "store/testing/fixture.h"
#include "store/transcript.h"

namespace hearth::store {
namespace {

using testing::soon;

class SummariesTest : public testing::StoreFixture {
 protected:
  SummariesTest() : session_(new_session()) {
    for (std::uint32_t turn = 0; turn < 4; ++turn)
      EXPECT_TRUE(
          transcript()
              .append(soon(), session_,
                      {{.message = {.content = "said " + std::to_string(turn)}, .turn = turn}})
              .ok());
  }
  Summaries summaries() { return {*store_, time_}; }
  Transcript transcript() { return {*store_, time_}; }
  Summary at(std::uint32_t number) const {
    return {.session_id = session_,
            .number = number,
            .text = "up to " + std::to_string(number),
            .model = "m",
            .before_tokens = 900,
            .after_tokens = 90};
  }

  const std::string session_;
};

TEST_F(SummariesTest, StandsForWhatGoesToTheArchive) {
  EXPECT_FALSE(summaries().latest(soon(), session_).value());
  ASSERT_TRUE(summaries().put(soon(), at(2)).ok());
  reopen();
  const auto latest = summaries().latest(soon(), session_).value();
  ASSERT_TRUE(latest);
  EXPECT_EQ(latest->text, "up to 2");
  EXPECT_EQ(latest->model, "m");
  EXPECT_EQ(latest->before_tokens, 900u);
  EXPECT_EQ(latest->after_tokens, 90u);
  EXPECT_EQ(latest->created_ms, time_.ms());
  EXPECT_FALSE(latest->told);
  std::vector<bool> archived;
  const auto entries = transcript().read(soon(), session_).value();
  for (const Entry& entry : entries) archived.push_back(entry.archived);
  EXPECT_EQ(archived, (std::vector<bool>{true, true, false, false}));
}

TEST_F(SummariesTest, TheArchiveIsSearched) {
  ASSERT_TRUE(summaries().put(soon(), at(4)).ok());
  EXPECT_EQ(transcript().search(soon(), "ann", "said").value().size(), 4u);
}

TEST_F(SummariesTest, TheLatestStandsForMost) {
  ASSERT_TRUE(summaries().put(soon(), at(3)).ok());
  ASSERT_TRUE(summaries().put(soon(), at(1)).ok());
  EXPECT_EQ(summaries().latest(soon(), session_).value()->number, 3u);
}

TEST_F(SummariesTest, IsToldOnce) {
  ASSERT_TRUE(summaries().put(soon(), at(2)).ok());
  ASSERT_TRUE(summaries().mark_told(soon(), session_).ok());
  EXPECT_TRUE(summaries().latest(soon(), session_).value()->told);
}

TEST_F(SummariesTest, AForkHasItToo) {
  ASSERT_TRUE(summaries().put(soon(), at(2)).ok());
  const Session fork = Sessions(*store_, time_).fork(soon(), "ann", session_, "fork").value();
  EXPECT_EQ(summaries().latest(soon(), fork.id).value()->text, "up to 2");
}

TEST_F(SummariesTest, BelongsToASessionAndIsBounded) {
  Summary summary = at(2);
  summary.session_id = "sess_none";
  EXPECT_EQ(summaries().put(soon(), summary).error().code, Code::NotFound);
  summary = at(2);
  summary.text = std::string(Summaries::kTextBytesMax + 1, 'x');
  EXPECT_EQ(summaries().put(soon(), summary).error().code, Code::TooLarge);
  summary.text.pop_back();
  EXPECT_TRUE(summaries().put(soon(), summary).ok());
}

}  // namespace
}  // namespace hearth::store
