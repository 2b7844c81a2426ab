#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/approvals/approval_text.h"
#include "cli/approvals/diff_text.h"
#include "cli/ask/reply_reader.h"
#include "cli/terminal/visible.h"

namespace hearth::cli {
namespace {

using json = nlohmann::ordered_json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

Approval a_write() {
  return {.id = "appr_1",
          .session_id = "sess_1",
          .turn = 2,
          .tool = "write_file",
          .target = "notes/a.txt",
          .arguments = R"({"path":"notes/a.txt","content":"hello\n"})",
          .preview = "--- notes/a.txt\n+++ notes/a.txt\n@@ -1 +1 @@\n-old\n+hello\n",
          .expires_s = 1'700'000'000,
          .this_pattern = "/w/notes/a.txt",
          .alike_pattern = "/w/notes/*"};
}

TEST(Visible, WritesOutWhatDoesNotShowItself) {
  const std::pair<std::string, const char*> kCases[] = {
      {"plain\ttext\n", "plain\ttext\n"},
      {"Grüße, 你好 👋", "Grüße, 你好 👋"},
      {std::string("a\0b", 3), "a\\x00b"},
      {"line\r\n", "line\\r\n"},
      {"\x1b[2J\x7f", "\\x1b[2J\\x7f"},
      {"\xc2\x9b", "\\u009b"},  // C1
      {"\xe2\x80\xae"
       "txt.exe",
       "\\u202etxt.exe"},  // written from right to left
      {"a\xe2\x80\x8b"
       "b",
       "a\\u200bb"},  // of no width
      {"\xef\xbb\xbf", "\\ufeff"},
      {"\xf3\xa0\x81\x81", "\\ue0041"},  // a tag
      {"\xff", "\xef\xbf\xbd"},
      {"\xe2\x80", "\xef\xbf\xbd"},
      {"", ""},
  };
  for (const auto& [text, want] : kCases) EXPECT_EQ(visible(text), want) << want;
}

TEST(ApprovalsIn, TakesWhatItUnderstands) {
  const json list = json::parse(R"([7, {}, {"id":7}, {"id":"appr_1","turn":3,"tool":"t",
      "session_id":"s","patterns":{"this":"/a","alike":"/*"},"expires_at":9},
      {"id":"appr_2","patterns":7}])");
  const auto all = approvals_in(list);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].turn, 3u);
  EXPECT_EQ(all[0].pattern(), "/*");
  EXPECT_EQ(all[0].expires_s, 9);
  EXPECT_FALSE(all[1].may_be_learned());
  EXPECT_TRUE(approvals_in(json::parse("{}")).empty());
}

TEST(ReplyReader, HearsWhatWaits) {
  ReplyReader reader([](std::string_view) {});
  reader.take(R"({"choices":[{"delta":{},"finish_reason":"requires_action"}],)"
              R"("approvals":[{"id":"appr_1","tool":"write_file"}]})");
  reader.take("[DONE]");
  const auto reply = reader.finish();
  ASSERT_TRUE(reply.ok());
  EXPECT_EQ(reply.value().finish_reason, "requires_action");
  ASSERT_EQ(reply.value().approvals.size(), 1u);
  EXPECT_EQ(reply.value().approvals[0].id, "appr_1");
}

TEST(DecisionBody, SaysAllOfIt) {
  EXPECT_EQ(decision_body({}),
            R"({"decision":"deny","scope":"once","pattern":"this","stream":true})");
  EXPECT_EQ(
      decision_body({true, Answer::Scope::Always, false, "30m"}),
      R"({"decision":"allow","scope":"always","pattern":"this","expires":"30m","stream":true})");
  EXPECT_EQ(decision_body({true, Answer::Scope::Always, true}),
            R"({"decision":"allow","scope":"always","pattern":"alike","stream":true})");
}

TEST(ApprovalText, ShowsTheExactCallAndTheDiff) {
  EXPECT_EQ(approval_text(a_write(), {}),
            "The assistant asks to use write_file on notes/a.txt\n"
            "  path     notes/a.txt\n"
            "  content  hello\\n\n"
            "  --- notes/a.txt\n  +++ notes/a.txt\n  @@ -1 +1 @@\n  -old\n  +hello\n");
}

TEST(ApprovalText, CannotBeForged) {
  Approval approval = a_write();
  approval.tool = "x\x1b[1A";
  approval.target = "a\n  [y] safe";
  approval.arguments = "{\"p\":\"1\\n[n] no\",\"\\u001bq\":[1,\"\\u202e\"]}";
  approval.preview = "@@ -0,0 +1 @@\n+a\x1b[2K\r\n+--- b\n";
  const std::string text = approval_text(approval, {});
  EXPECT_THAT(text, Not(testing::ContainsRegex("[\x01-\x09\x0b-\x1f]")));
  EXPECT_THAT(text, HasSubstr("on a\\n  [y] safe\n"));
  EXPECT_THAT(text, HasSubstr("p      1\\n[n] no\n"));
  EXPECT_THAT(text, HasSubstr("\\x1bq  [1,\"\\u202e\"]\n"));
  EXPECT_THAT(text, HasSubstr("  +a\\x1b[2K\\r\n  +--- b\n"));
}

TEST(ApprovalText, CutsOnlyWhatIsShownElsewhereOrEndless) {
  Approval approval = a_write();
  const auto with_content = [&](std::size_t bytes) {
    approval.arguments = json{{"c", std::string(bytes, 'x')}}.dump();
    return approval_text(approval, {});
  };
  EXPECT_THAT(with_content(kArgumentBesideDiffBytesMax), Not(HasSubstr("bytes more")));
  EXPECT_THAT(with_content(kArgumentBesideDiffBytesMax + 1), HasSubstr("… (1 bytes more)"));
  approval.preview.clear();
  EXPECT_THAT(with_content(kArgumentBytesMax), Not(HasSubstr("bytes more")));
  EXPECT_THAT(with_content(kArgumentBytesMax + 1), HasSubstr("… (1 bytes more)"));
  approval.arguments = "no json";
  EXPECT_THAT(approval_text(approval, {}), HasSubstr("\n  no json\n"));
}

TEST(DiffText, ColoursLinesByTheirMark) {
  const Style colours{.colour = true};
  const std::string text = DiffText(colours).of("--- a\n@@ x\n--- gone\n+new\n same");
  EXPECT_EQ(text,
            "  \x1b[1m--- a\x1b[0m\n  \x1b[2m@@ x\x1b[0m\n  \x1b[31m--- gone\x1b[0m\n"
            "  \x1b[32m+new\x1b[0m\n   same\n");
  EXPECT_EQ(DiffText({}).of(""), "");
}

TEST(ChoicesText, ShowsThePatternThatWouldBeLearned) {
  Approval approval = a_write();
  const std::string all = choices_text(approval, {});
  EXPECT_THAT(all, HasSubstr("[s] allow in this session: write_file on /w/notes/*\n"));
  EXPECT_THAT(all, HasSubstr("[a] allow always: write_file on /w/notes/*\n"));
  EXPECT_EQ(choices_prompt(approval), "Allow? [y/s/a/N] ");
  approval.alike_pattern.clear();
  EXPECT_THAT(choices_text(approval, {}), HasSubstr("always: write_file on /w/notes/a.txt\n"));
  approval.this_pattern.clear();
  EXPECT_THAT(choices_text(approval, {}), Not(HasSubstr("[a]")));
  EXPECT_THAT(choices_text(approval, {}), HasSubstr("holds once"));
  EXPECT_EQ(choices_prompt(approval), "Allow? [y/N] ");
}

TEST(AnswerOf, TakesTheLettersAndDeniesWithoutOne) {
  const Approval learns = a_write();
  Approval once = a_write(), exact = a_write();
  once.this_pattern.clear();
  exact.alike_pattern.clear();
  using Scope = Answer::Scope;
  struct Case {
    const char* typed;
    const Approval& approval;
    std::optional<Answer> want;
  };
  const Case kCases[] = {
      {"", learns, Answer{}},
      {"  ", learns, Answer{}},
      {"n", learns, Answer{}},
      {"No", learns, Answer{}},
      {"y", learns, Answer{true, Scope::Once, false}},
      {" YES ", learns, Answer{true, Scope::Once, false}},
      {"s", learns, Answer{true, Scope::Session, true}},
      {"a", learns, Answer{true, Scope::Always, true}},
      {"a", exact, Answer{true, Scope::Always, false}},
      {"s", once, std::nullopt},
      {"a", once, std::nullopt},
      {"y", once, Answer{true, Scope::Once, false}},
      {"yy", learns, std::nullopt},
      {"sure, go on", learns, std::nullopt},
  };
  for (const Case& c : kCases) EXPECT_EQ(answer_of(c.typed, c.approval), c.want) << c.typed;
}

TEST(NoticeText, NamesTheCommandsThatAnswer) {
  Approval approval = a_write();
  const std::string text = notice_text(approval, " --data '/d'", {});
  EXPECT_THAT(text, HasSubstr("\n  hearth approvals allow appr_1 --data '/d'\n"));
  EXPECT_THAT(text, HasSubstr("appr_1 --data '/d' --scope session --pattern alike"));
  EXPECT_THAT(text, HasSubstr("\n  hearth approvals deny appr_1 --data '/d'\n"));
  approval.this_pattern.clear();
  EXPECT_THAT(notice_text(approval, "", {}), Not(HasSubstr("--scope")));
}

}  // namespace
}  // namespace hearth::cli
