#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/daemon_start.h"
#include "cli/workspace/tools_text.h"
#include "cli/workspace/workspace_choice.h"

namespace hearth::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsSupersetOf;
using testing::Not;

TEST(ProblemWithWorkspace, IsInPlacesThatHoldEverything) {
  struct Case {
    const char *folder, *home, *problem;  // "": it may be opened
  };
  const Case kCases[] = {
      {"/home/ada/work", "/home/ada", ""},
      {"/home/ada", "/home/ada", "is your home directory"},
      {"/home", "/home/ada", "holds your home directory"},
      {"/", "/home/ada", "the whole system"},
      {"/", "", "the whole system"},
      {"/home/adam", "/home/ada", ""},
      {"/root", "/", ""},
      {"/srv", "", ""},
      {"/data/hearth", "/home/ada", "own data directory"},
      {"/data/hearth/undo", "/home/ada", "own data directory"},
      {"/data", "/home/ada", ""},  // what is Hearth's in it stays shut
      {"/a\nb", "", "no setting can hold"},
      {"/a\xff", "", "no setting can hold"},
  };
  for (const Case& c : kCases) {
    const std::string problem = problem_with_workspace(c.folder, c.home, "/data/hearth");
    EXPECT_THAT(problem, HasSubstr(c.problem)) << c.folder;
    EXPECT_EQ(problem.empty(), *c.problem == '\0') << c.folder << ": " << problem;
  }
}

TEST(ServeArguments, SayWhichFolderIsOpen) {
  config::Overrides overrides;
  config::Config config;
  config.tools.workspace = {"/from/the/file"};
  EXPECT_THAT(serve_arguments(overrides, config), Not(IsSupersetOf({"--workspace"})));
  overrides.workspace = {"a", "b"};
  config.tools.workspace = {"/x/a", "/x/b"};
  EXPECT_THAT(serve_arguments(overrides, config),
              IsSupersetOf({"--workspace", "/x/a", "--workspace", "/x/b"}));
  overrides.workspace.emplace();
  config.tools.workspace.clear();
  EXPECT_THAT(serve_arguments(overrides, config), IsSupersetOf({"--no-tools"}));
}

TEST(ToolsSentence, SaysWhereAndWhyNot) {
  Opening opening;
  ToolsFacts facts;
  EXPECT_EQ(tools_sentence(facts, opening), "No tools: no folder is open to them.");
  opening.problem = "/ is the whole system";
  EXPECT_EQ(tools_sentence(facts, opening), "No tools: / is the whole system.");
  opening = {.context = {}, .loaded = {}, .here = "/here"};
  EXPECT_THAT(tools_sentence(facts, opening), HasSubstr("`hearth stop` lets it begin in /here"));
  facts.workspace = {"/here"};
  EXPECT_EQ(tools_sentence(facts, opening), "Tools work in /here and ask before they change it.");
  facts.plan_mode = true;
  EXPECT_EQ(tools_sentence(facts, opening),
            "Tools work in /here in plan mode: they change nothing.");
  facts.workspace = {"/there\x1b", "/more"};
  EXPECT_THAT(tools_sentence(facts, opening),
              HasSubstr("Tools work in /there\\x1b, /more in plan"));
  EXPECT_THAT(tools_sentence(facts, opening), HasSubstr("where the running daemon was started"));
}

TEST(ToolsSentence, SaysWhenTheDaemonIsAnotherThanAskedFor) {
  const ToolsFacts none, there{.workspace = {"/there"}};
  const Opening no_tools{.context = {}, .loaded = {}, .is_asked = true};
  EXPECT_TRUE(is_as_asked(none, no_tools));
  EXPECT_FALSE(is_as_asked(there, no_tools));
  EXPECT_THAT(tools_sentence(there, no_tools), HasSubstr("`hearth stop` lets it begin without"));
  const Opening named{.context = {}, .loaded = {}, .here = "/there", .is_asked = true};
  EXPECT_TRUE(is_as_asked(there, named));
  EXPECT_TRUE(is_as_asked({.workspace = {"/a", "/there/"}}, named));
  EXPECT_FALSE(is_as_asked(none, named));
  EXPECT_TRUE(is_as_asked(there, {}));
}

TEST(LacksTools, UnlessThatWasAskedFor) {
  EXPECT_TRUE(lacks_tools({}, {}));
  EXPECT_TRUE(lacks_tools({}, {.context = {}, .loaded = {}, .here = "/here"}));
  EXPECT_TRUE(lacks_tools({}, {.context = {}, .loaded = {}, .here = "/here", .is_asked = true}));
  EXPECT_FALSE(lacks_tools({}, {.context = {}, .loaded = {}, .is_asked = true}));
  EXPECT_FALSE(lacks_tools({.workspace = {"/there"}}, {}));
}

TEST(OpenNothing, LeavesTheCurrentFolderShut) {
  Context context;
  context.overrides.data_dir = "/nowhere";
  const auto opening = open_nothing(context);
  ASSERT_TRUE(opening.ok());
  EXPECT_FALSE(opening.value().context.overrides.workspace);
  EXPECT_THAT(serve_arguments(opening.value().context.overrides, opening.value().loaded.config),
              Not(IsSupersetOf({"--workspace"})));
}

TEST(ToolsTable, SaysWhatHappens) {
  const ToolsFacts facts{.tools = {{"read_file", "Reads.", "allow", false},
                                   {"write_file", "Writes.", "ask", true},
                                   {"shell", "Runs.", "deny", false}},
                         .workspace = {"/w"}};
  EXPECT_EQ(tools_table(facts, {}),
            "read_file   allowed         Reads.\n"
            "write_file  asks, by rules  Writes.\n"
            "shell       denied          Runs.\n"
            "Tools work in /w and ask before they change it.\n");
}

}  // namespace
}  // namespace hearth::cli
