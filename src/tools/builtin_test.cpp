#include "tools/builtin.h"

#include <gmock/gmock.h>
#include <sys/fsuid.h>

#include <cstdlib>
#include <ctime>

#include "base/utf8.h"
#include "tools/runner.h"
#include "tools/testing/folder.h"

namespace hearth::tools {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Kind = Checked::Kind;

class BuiltIn : public ::testing::Test {
 protected:
  BuiltIn() {
    undo_ = Undo::open(kept_.path("undo"), time_).value();
    registry_ = std::make_unique<Registry>(
        Registry::make(built_in_tools({*undo_, memories_, time_})).value());
    runner_ = std::make_unique<Runner>(*registry_);
    workspace_ = Workspace::open({.roots = {files_.path()}}).value();
  }
  Situation situation(const std::string& owner = "ann") const {
    return {.asker = {.owner = owner, .workspace = workspace_.get()}, .rules = rules_};
  }
  Checked check(const std::string& tool, const Json& arguments) {
    return runner_->check(soon(), {"call_1", tool, arguments.dump()}, situation()).value();
  }
  /// As a person who says yes to everything.
  Result<Outcome> run(const std::string& tool, const Json& arguments,
                      const std::string& owner = "ann") {
    TRY(const Checked checked,
        runner_->check(soon(), {"call_1", tool, arguments.dump()}, situation(owner)));
    if (!checked.problem.empty()) return Error{Code::InvalidInput, checked.problem};
    return runner_->run(soon(), checked, situation(owner), Runner::Consent::Given);
  }
  std::string said(const std::string& tool, const Json& arguments) {
    const auto outcome = run(tool, arguments);
    return outcome.ok() ? outcome.value().text : "ERROR " + outcome.error().message;
  }

  Folder files_, kept_;
  SetTime time_;
  ShortMemory memories_;
  std::vector<policy::Rule> rules_;
  std::unique_ptr<Undo> undo_;
  std::unique_ptr<Registry> registry_;
  std::unique_ptr<Runner> runner_;
  std::unique_ptr<Workspace> workspace_;
};

TEST_F(BuiltIn, AreNine) { EXPECT_EQ(registry_->entries().size(), 9u); }

TEST_F(BuiltIn, ReadsWholeFilesAndLines) {
  files_.put("f", "one\ntwo\nthree\n");
  EXPECT_EQ(said("read_file", {{"path", "f"}}), "one\ntwo\nthree\n");
  EXPECT_EQ(said("read_file", {{"path", "f"}, {"offset", 2}}), "two\nthree\n[lines 2 to 3 of 3]");
  EXPECT_EQ(said("read_file", {{"path", "f"}, {"offset", 2}, {"lines", 1}}),
            "two\n[lines 2 to 2 of 3]");
  EXPECT_EQ(said("read_file", {{"path", "f"}, {"lines", 1}}), "one\n[lines 1 to 1 of 3]");
  EXPECT_EQ(said("read_file", {{"path", "f"}, {"offset", 4}}), "[the file has 3 lines]");
  files_.put("empty", "");
  EXPECT_EQ(said("read_file", {{"path", "empty"}}), "[empty file]");
  EXPECT_THAT(said("read_file", {{"path", "absent"}}), HasSubstr("does not exist"));
}

TEST_F(BuiltIn, ReadsWhatIsNoText) {
  files_.put("binary", std::string("\x7f"
                                   "ELF\0\1",
                                   6));
  EXPECT_EQ(said("read_file", {{"path", "binary"}}), "[binary file, 6 bytes]");
  files_.put("latin", "caf\xe9\n");
  EXPECT_EQ(said("read_file", {{"path", "latin"}}), "caf\xef\xbf\xbd\n");
  files_.put("long", std::string(100'000, 'x'));
  const std::string cut = said("read_file", {{"path", "long"}});
  EXPECT_LE(cut.size(), kOutputBytesMax);
  EXPECT_THAT(cut, HasSubstr("[truncated: "));
  const std::string part = said("read_file", {{"path", "long"}, {"lines", 1}});
  EXPECT_LE(part.size(), kOutputBytesMax);
  EXPECT_TRUE(part.ends_with("[lines 1 to 1 of 1]"));
  files_.put("edge", std::string(kFileBytesMax, 'x'));
  EXPECT_THAT(said("read_file", {{"path", "edge"}}), HasSubstr("[truncated: "));
  files_.put("above", std::string(kFileBytesMax + 1, 'x'));
  EXPECT_THAT(said("read_file", {{"path", "above"}}), HasSubstr("at most 8388608"));
}

TEST_F(BuiltIn, WritesAskWithADiffAndAreUndone) {
  files_.put("f", "one\ntwo\n");
  const Json arguments = {{"path", "f"}, {"content", "one\n2\n"}};
  const Checked checked = check("write_file", arguments);
  EXPECT_EQ(checked.kind, Kind::NeedsApproval);
  EXPECT_EQ(checked.preview, "--- f\n+++ f\n@@ -1,2 +1,2 @@\n one\n-two\n+2\n");
  EXPECT_EQ(files_.read("f"), "one\ntwo\n");
  EXPECT_EQ(said("write_file", arguments), "replaced f (6 bytes)");
  EXPECT_EQ(files_.read("f"), "one\n2\n");
  ASSERT_TRUE(undo_->restore(soon(), *workspace_, undo_->last().value()->number).ok());
  EXPECT_EQ(files_.read("f"), "one\ntwo\n");

  EXPECT_THAT(check("write_file", {{"path", "new/g"}, {"content", "x\n"}}).preview,
              HasSubstr("new file new/g\n--- new/g"));
  EXPECT_EQ(said("write_file", {{"path", "new/g"}, {"content", "x\n"}}), "created new/g (2 bytes)");
  ASSERT_TRUE(undo_->restore(soon(), *workspace_, undo_->last().value()->number).ok());
  EXPECT_FALSE(files_.has("new/g"));
}

TEST_F(BuiltIn, AWriteThatFailsLeavesNothingToUndo) {
  std::filesystem::create_directory(files_.path("d"));
  EXPECT_THAT(said("write_file", {{"path", "d"}, {"content", "x"}}), HasSubstr("is a folder"));
  files_.put("big", std::string(kFileBytesMax + 1, 'x'));
  EXPECT_THAT(said("write_file", {{"path", "big"}, {"content", "x"}}),
              HasSubstr("at most 8388608"));
  EXPECT_FALSE(undo_->last().value());
}

TEST_F(BuiltIn, EditsMustBeUnique) {
  files_.put("f", "a b a\n");
  EXPECT_THAT(said("edit_file", {{"path", "f"}, {"old", "x"}, {"new", "y"}}),
              HasSubstr("does not occur"));
  EXPECT_THAT(said("edit_file", {{"path", "f"}, {"old", "a"}, {"new", "y"}}),
              HasSubstr("occurs 2 times"));
  EXPECT_THAT(said("edit_file", {{"path", "f"}, {"old", "a"}, {"new", "a"}}),
              HasSubstr("the same as old"));
  EXPECT_THAT(said("edit_file", {{"path", "f"}, {"old", ""}, {"new", "a"}}),
              HasSubstr("0 characters"));
  EXPECT_THAT(said("edit_file", {{"path", "no"}, {"old", "a"}, {"new", "b"}}),
              HasSubstr("does not exist"));
  EXPECT_EQ(check("edit_file", {{"path", "f"}, {"old", "x"}, {"new", "y"}}).kind,
            Kind::BadArguments);
  EXPECT_EQ(files_.read("f"), "a b a\n");
  EXPECT_EQ(said("edit_file", {{"path", "f"}, {"old", "b"}, {"new", "B"}}),
            "replaced 1 place in f");
  EXPECT_EQ(said("edit_file", {{"path", "f"}, {"old", "a"}, {"new", "aa"}, {"replace_all", true}}),
            "replaced 2 places in f");
  EXPECT_EQ(files_.read("f"), "aa B aa\n");
  files_.put("bin", std::string("a\0b", 3));
  EXPECT_THAT(said("edit_file", {{"path", "bin"}, {"old", "a"}, {"new", "b"}}),
              HasSubstr("binary"));
  files_.put("grow", std::string(100'000, 'a'));
  EXPECT_THAT(
      said("edit_file",
           {{"path", "grow"}, {"old", "a"}, {"new", std::string(100, 'b')}, {"replace_all", true}}),
      HasSubstr("larger than 8 MiB"));
}

TEST_F(BuiltIn, Lists) {
  files_.put("a.txt", "12345");
  files_.put("src/b.cpp", "1");
  files_.put("src/deep/c.cpp", "");
  files_.put(".git/config", "");
  files_.put("new\nline", "");
  files_.link("src", "link");
  EXPECT_EQ(said("list_files", Json::object()),
            "a.txt (5 bytes)\nlink (no regular file)\n\"new\\nline\" (0 bytes)\nsrc/");
  EXPECT_EQ(said("list_files", {{"pattern", "**/*.cpp"}}),
            "src/b.cpp (1 bytes)\nsrc/deep/c.cpp (0 bytes)");
  EXPECT_EQ(said("list_files", {{"pattern", "*.cpp"}, {"path", "src"}}), "src/b.cpp (1 bytes)");
  EXPECT_THAT(said("list_files", {{"pattern", "**"}, {"hidden", true}}), HasSubstr(".git/config"));
  EXPECT_EQ(said("list_files", {{"pattern", "*.none"}}), "[nothing matches]");
  EXPECT_THAT(said("list_files", {{"path", "a.txt"}}), HasSubstr("is a file, not a folder"));
  EXPECT_THAT(said("list_files", {{"path", "none"}}), HasSubstr("does not exist"));
  EXPECT_THAT(said("list_files", {{"pattern", "a\\"}}), HasSubstr("pattern: ends in"));
}

TEST_F(BuiltIn, ListsAreBounded) {
  for (std::size_t i = 0; i < kListedMax; ++i) files_.put("f" + std::to_string(i), "");
  EXPECT_THAT(said("list_files", Json::object()), Not(HasSubstr("stopped")));
  files_.put("one more", "");
  EXPECT_THAT(said("list_files", Json::object()), HasSubstr("[stopped after 1000;"));
}

TEST_F(BuiltIn, Searches) {
  files_.put("a.txt", "x\nneedle one\ny\nz\nNeedle two\n");
  files_.put("src/b.cpp", "needle\r\n");
  files_.put("bin", std::string("needle\0", 7));
  files_.put(".hidden", "needle");
  EXPECT_EQ(said("search_files", {{"pattern", "needle"}}),
            "a.txt:2:needle one\nsrc/b.cpp:1:needle\n"
            "[2 matching lines in 2 files, 1 binary files skipped]");
  EXPECT_EQ(
      said("search_files", {{"pattern", "^needle"}, {"path", "a.txt"}, {"ignore_case", true}}),
      "a.txt:2:needle one\na.txt:5:Needle two\n[2 matching lines in 1 files]");
  EXPECT_EQ(said("search_files", {{"pattern", "needle"}, {"glob", "*.cpp"}}),
            "src/b.cpp:1:needle\n[1 matching lines in 1 files]");
  EXPECT_EQ(said("search_files", {{"pattern", "needle one"}, {"context", 1}}),
            "a.txt-1-x\na.txt:2:needle one\na.txt-3-y\n[1 matching lines in 1 files, 1 binary "
            "files skipped]");
  EXPECT_EQ(said("search_files", {{"pattern", "(?i)needle"}, {"context", 1}, {"path", "a.txt"}}),
            "a.txt-1-x\na.txt:2:needle one\na.txt-3-y\na.txt-4-z\na.txt:5:Needle two\n"
            "[2 matching lines in 1 files]");
  EXPECT_THAT(said("search_files", {{"pattern", "needle"}, {"hidden", true}}),
              HasSubstr(".hidden:1:"));
  EXPECT_THAT(said("search_files", {{"pattern", "("}}),
              HasSubstr("pattern: is no regular expression"));
  EXPECT_THAT(said("search_files", {{"pattern", "a"}, {"context", 11}}), HasSubstr("from 0 to 10"));
  EXPECT_EQ(said("search_files", {{"pattern", "nothing"}, {"path", "src"}}),
            "[0 matching lines in 0 files]");
}

TEST_F(BuiltIn, SearchesAreBounded) {
  std::string many, line = "m" + std::string(100'000, 'x') + "\n";
  for (std::size_t i = 0; i < kMatchesMax + 5; ++i) many += "match\n";
  files_.put("many", many);
  EXPECT_THAT(said("search_files", {{"pattern", "match"}}),
              HasSubstr("[200 matching lines in 1 files; stopped early"));
  files_.put("wide", line);
  const std::string wide = said("search_files", {{"pattern", "mx"}, {"path", "wide"}});
  EXPECT_LT(wide.size(), 600u);
  files_.put("big", std::string(kFileBytesMax + 1, 'q'));
  EXPECT_THAT(said("search_files", {{"pattern", "q"}}), HasSubstr("1 files too large"));
  const Checked checked = check("search_files", {{"pattern", "a"}});
  EXPECT_EQ(runner_->run(Call::within(Millis(0)), checked, situation()).error().code,
            Code::Timeout);
}

// What a rule keeps from a tool it does not see in a crowd either.
TEST_F(BuiltIn, ListsAndSearchesObeyTheRulesForEachFile) {
  files_.put("open", "needle");
  files_.put("secrets/key", "needle");
  rules_.push_back(
      policy::Rule::make(
          {.name = "no", .pattern = "secrets{,/**}", .decision = policy::Decision::Deny})
          .value());
  rules_.push_back(policy::Rule::make(
                       {.name = "no", .pattern = "secrets/**", .decision = policy::Decision::Deny})
                       .value());
  EXPECT_THAT(said("read_file", {{"path", "secrets/key"}}), HasSubstr("denied by the rule"));
  const std::string found = said("search_files", {{"pattern", "needle"}});
  EXPECT_THAT(found, HasSubstr("open:1:needle"));
  EXPECT_THAT(found, Not(HasSubstr("key")));
  EXPECT_THAT(found, HasSubstr("1 left out by a rule"));
  EXPECT_THAT(said("list_files", {{"pattern", "**"}}), Not(HasSubstr("key")));
  files_.link("secrets/key", "alias");  // another name is no way around a rule
  EXPECT_THAT(said("read_file", {{"path", "alias"}}), HasSubstr("denied by the rule"));
}

TEST_F(BuiltIn, AskingForAllDoesNotHideAllAfterAYes) {
  files_.put("f", "needle");
  rules_.push_back(policy::Rule::make({.name = "ask", .decision = policy::Decision::Ask}).value());
  EXPECT_EQ(check("list_files", Json::object()).kind, Kind::NeedsApproval);
  EXPECT_EQ(said("list_files", Json::object()), "f (6 bytes)");
}

TEST_F(BuiltIn, HostileArguments) {
  Folder outside;
  outside.put("secret", "SECRET");
  files_.link(outside.path(), "out");
  files_.link("/proc/self/root", "root");
  const std::string up =
      "../" + std::filesystem::path(outside.path()).filename().string() + "/secret";
  const std::string paths[] = {up,
                               "..",
                               "/etc/passwd",
                               outside.path("secret"),
                               "out/secret",
                               "root/etc/passwd",
                               "/proc/self/environ",
                               std::string("a\0b", 3),
                               "",
                               std::string(5'000, 'n'),
                               std::string(300, 'n'),
                               "\n"};
  for (const char* tool : {"read_file", "write_file", "edit_file", "list_files", "search_files"}) {
    for (const std::string& path : paths) {
      SCOPED_TRACE(std::string(tool) + " " + path);
      Json arguments = {{"path", path}};
      if (tool == std::string("write_file")) arguments["content"] = "mine";
      if (tool == std::string("edit_file")) arguments["old"] = "SECRET", arguments["new"] = "mine";
      if (tool == std::string("search_files")) arguments["pattern"] = "SECRET";
      if (tool == std::string("write_file") && path == "\n") continue;  // a name like any other
      const auto outcome = run(tool, arguments);
      EXPECT_FALSE(outcome.ok());
      EXPECT_EQ((outcome.ok() ? std::string() : outcome.error().message).find("SECRET"),
                std::string::npos);
    }
    for (const char* bad : {"", "{}x", "[]", "null", "{\"path\":3}", "{\"path\":{}}", "{\"x\":1}",
                            "{\"path\":\"a\",\"x\":1}", "{\"path\":\"\\ud800\"}"}) {
      if (tool == std::string("list_files") && !*bad) continue;  // takes none
      SCOPED_TRACE(std::string(tool) + " " + bad);
      const auto checked = runner_->check(soon(), {"c", tool, bad}, situation()).value();
      EXPECT_EQ(checked.kind, Kind::BadArguments);
      EXPECT_FALSE(checked.problem.empty());
    }
  }
  EXPECT_EQ(outside.read("secret"), "SECRET");
  EXPECT_FALSE(undo_->last().value());
}

TEST_F(BuiltIn, WithoutAWorkspaceFilesStayShut) {
  Situation none = situation();
  none.asker.workspace = nullptr;
  const auto checked = runner_->check(soon(), {"c", "read_file", R"({"path":"a"})"}, none).value();
  EXPECT_EQ(checked.kind, Kind::Denied);
  EXPECT_THAT(checked.problem, HasSubstr("tools.workspace"));
  EXPECT_EQ(runner_->check(soon(), {"c", "time_now", "{}"}, none).value().kind, Kind::Allowed);
}

TEST_F(BuiltIn, TellsTheTime) {
  ::setenv("TZ", "XST-5:30", 1);
  ::tzset();
  EXPECT_EQ(said("time_now", Json::object()),
            "Tuesday, 2023-11-14 22:13:20 UTC; local: Wednesday, 2023-11-15 03:43:20 +0530");
  ::unsetenv("TZ");
  ::tzset();
  EXPECT_THAT(said("time_now", {{"zone", "x"}}), HasSubstr("unknown; known are: none"));
}

TEST_F(BuiltIn, RemembersForItsOwnerOnly) {
  EXPECT_EQ(check("remember", {{"text", "likes tea"}}).kind, Kind::Allowed);
  EXPECT_EQ(said("remember", {{"text", "likes tea"}}), "remembered as mem_1");
  EXPECT_EQ(said("recall", {{"words", "tea"}}), "mem_1: likes tea");
  EXPECT_EQ(said("recall", {{"words", "coffee"}}), "[nothing remembered about that]");
  EXPECT_EQ(run("recall", {{"words", "tea"}}, "bob").value().text,
            "[nothing remembered about that]");
  EXPECT_EQ(run("forget", {{"id", "mem_1"}}, "bob").error().code, Code::NotFound);
  EXPECT_EQ(check("forget", {{"id", "mem_1"}}).kind, Kind::NeedsApproval);
  EXPECT_EQ(check("forget", {{"id", "mem_1"}}).preview, "forget mem_1");
  EXPECT_EQ(said("forget", {{"id", "mem_1"}}), "forgot mem_1");
  EXPECT_THAT(said("remember", {{"text", ""}}), HasSubstr("0 characters"));
  EXPECT_THAT(said("remember", {{"text", std::string(2'001, 'x')}}), HasSubstr("2001 characters"));
  std::string wide;
  while (wide.size() < 2'100) wide += "\xe2\x82\xac";
  EXPECT_THAT(said("remember", {{"text", wide}}), HasSubstr("at most 2000 bytes"));
  EXPECT_THAT(said("recall", {{"words", "a"}, {"count", 21}}), HasSubstr("from 1 to 20"));
}

}  // namespace
}  // namespace hearth::tools
