#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/pull/pull_text.h"

namespace hearth::cli {
namespace {

using Stage = model::PullProgress::Stage;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(PullText, SaysWhereItStands) {
  EXPECT_EQ(pull_text({.from = "https://hub.example"}), "asking https://hub.example");
  model::PullProgress progress{.stage = Stage::Downloading, .total_bytes = 4 << 20};
  EXPECT_EQ(pull_text(progress), "0 B of 4.0 MiB");
  EXPECT_EQ(pull_fraction(progress), 0.0);
  progress.done_bytes = 1 << 20;
  progress.bytes_per_second = 1 << 20;
  EXPECT_EQ(pull_text(progress), "1.0 MiB of 4.0 MiB, 1.0 MiB/s, 3 s left");
  EXPECT_EQ(pull_fraction(progress), 0.25);
  progress.stage = Stage::Checking;
  EXPECT_EQ(pull_text(progress), "checking 4.0 MiB");
  EXPECT_FALSE(pull_fraction(progress));
}

TEST(PullLines, OnceAStageAndNowAndThen) {
  PullLines lines;
  const Clock::time_point start{};
  model::PullProgress progress{.stage = Stage::Downloading, .done_bytes = 1, .total_bytes = 2};
  EXPECT_EQ(lines.next(progress, start), "50 %, 1 B of 2 B\n");
  EXPECT_EQ(lines.next(progress, start + PullLines::kEvery - Millis(1)), "");
  EXPECT_EQ(lines.next(progress, start + PullLines::kEvery), "50 %, 1 B of 2 B\n");
  progress.stage = Stage::Checking;
  EXPECT_EQ(lines.next(progress, start + PullLines::kEvery), "checking 2 B\n");
}

TEST(ModelsTable, ShowsWhatIsThereAndWhatCouldBe) {
  const auto table =
      models_table({{"own", "/m/own.gguf", 5 << 20, false}, {"phi-3-mini", "/m/p.part", 1, true}},
                   model::Catalogue::builtin());
  EXPECT_THAT(table, HasSubstr("/m/own.gguf"));
  EXPECT_THAT(table, HasSubstr("not whole"));
  EXPECT_THAT(table, HasSubstr("hearth pull qwen2.5-0.5b"));
  EXPECT_THAT(table, Not(HasSubstr("hearth pull phi-3-mini")));
}

TEST(LicenceText, IsThatOfTheCatalogue) {
  EXPECT_EQ(licence_text(model::Catalogue::builtin().find("qwen2.5-3b")),
            "Licence of qwen2.5-3b: Qwen Research License (not for commercial use)");
  EXPECT_THAT(licence_text(nullptr), HasSubstr("not known"));
}

}  // namespace
}  // namespace hearth::cli
