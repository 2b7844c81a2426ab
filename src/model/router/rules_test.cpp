#include "model/router/rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/router/crisis.h"
#include "model/router/words.h"

namespace hearth::model::router {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

chat::Request saying(const std::string& text) {
  return {.prompt = chat::Conversation{.messages = {{.role = chat::Role::User, .content = text}}}};
}

TEST(Words, AreWholeLowerCaseAndOfAnyScript) {
  EXPECT_THAT(Words("Don't STOP, the plan_b: (now!)").all(),
              ElementsAre("dont", "stop", "the", "plan_b", "now"));
  EXPECT_THAT(Words("Größe ÉTÉ ΑΒΓ Привет Ŝak").all(),
              ElementsAre("größe", "été", "αβγ", "привет", "ŝak"));
  EXPECT_THAT(Words("今日は。").all(), ElementsAre("今", "日", "は"));
  EXPECT_THAT(Words("a\xff"
                    "b \xe2\x82")
                  .all(),
              ElementsAre("a", "b"));
  EXPECT_THAT(Words("—…  🙂").all(), IsEmpty());
}

TEST(Words, APhraseStandsThereAsWholeWords) {
  EXPECT_TRUE(Words("Go step-by-step, please").contain("step by step"));
  EXPECT_FALSE(Words("the planet").contain("plan"));
  EXPECT_FALSE(Words("a plan").contain("plan b"));
  EXPECT_FALSE(Words("anything").contain(""));
}

TEST(Assess, SaysHowMuchOfAModelIsNeeded) {
  const std::string paragraph =
      "I moved to another town last week and would like to know what I have to do about my car, "
      "my letters and the library card that I still have from before.";
  std::string page;
  for (int i = 0; i < 12; ++i) page += paragraph + " ";
  struct Row {
    std::string text;
    Level level;
  };
  const Row rows[] = {
      {"Hi!", Level::Operational},
      {"Guten Morgen", Level::Operational},
      {"thanks", Level::Operational},
      {"What is the capital of Italy?", Level::Operational},
      {"What time is it?", Level::Operational},
      {"", Level::Operational},
      // The traps of those who look for parts of words: ping, plan, log, list, status.
      {"Improve typing in the catalog", Level::Operational},
      {"Which planet is the largest?", Level::Operational},
      {"My login fails in the dialog", Level::Operational},
      {"Where can I enlist?", Level::Operational},
      {"Give me an explanation of shipping", Level::Operational},
      {paragraph, Level::Tactical},
      {"1. eggs\n2. milk\n3. bread\nWhat is missing for a cake?", Level::Tactical},
      {"Compare Rome and Athens.", Level::Tactical},
      {"Vergleiche Rom und Athen.", Level::Tactical},
      {"比较罗马和雅典的历史，并说明两座城市在政治、经济和文化方面的不同。", Level::Tactical},
      {"Fix this:\n```\nint main() { retrun 0; }\n```", Level::Tactical},
      {"Refactor this:\n```\nfor (i = 0; i < n; ++i) sum(a[i]);\n```", Level::Strategic},
      {"Design the architecture of a shop. It must hold for years. It has many customers. Which "
       "parts does it need, and which do you leave out?",
       Level::Strategic},
      {page, Level::Strategic},
  };
  for (const Row& row : rows) {
    const Assessment made = assess(saying(row.text));
    std::string why;
    for (const Point& point : made.points)
      why += std::string(point.rule) + " " + std::to_string(point.points) + ", ";
    EXPECT_EQ(level_name(made.level), std::string(level_name(row.level)))
        << row.text << ": " << why;
  }
}

TEST(Assess, LooksAtWhatSurroundsTheMessage) {
  chat::Request request = saying("And what does it say about the second one?");
  EXPECT_EQ(assess(request).level, Level::Operational);
  auto& conversation = std::get<chat::Conversation>(request.prompt);
  conversation.tools = {{"find", "Finds", "{}"}};
  EXPECT_EQ(assess(request).level, Level::Tactical);
  conversation.tool_choice.mode = chat::ToolChoice::Mode::None;
  EXPECT_EQ(assess(request).level, Level::Operational);
  conversation.messages.insert(conversation.messages.begin(),
                               {.role = chat::Role::User, .content = std::string(8'001, 'x')});
  EXPECT_EQ(assess(request).level, Level::Tactical);
  request.format.kind = chat::OutputFormat::Kind::JsonObject;
  EXPECT_EQ(assess(request).score, 2);
  EXPECT_EQ(assess({.prompt = chat::PlainText{"Compare a and b"}}).level, Level::Tactical);
}

TEST(Crisis, IsFoundWhereSomebodySpeaksOfThemselves) {
  struct Row {
    const char* text;
    std::optional<Crisis> crisis;
  };
  const Row rows[] = {
      {"I want to die", Crisis::SelfHarm},
      {"I can't go on, I'm going to kill   MYSELF tonight.", Crisis::SelfHarm},
      {"I don’t want to live anymore", Crisis::SelfHarm},
      {"Ich will nicht mehr. Ich bringe mich um.", Crisis::SelfHarm},
      {"je veux mourir", Crisis::SelfHarm},
      {"No quiero vivir", Crisis::SelfHarm},
      {"voglio farla finita", Crisis::SelfHarm},
      {"I'm going to kill him", Crisis::Violence},
      {"My husband beats me and I don't know where to go", Crisis::Abuse},
      {"Mein Mann schlägt mich", Crisis::Abuse},
      {"Kill the process with pid 12", std::nullopt},
      {"How do I kill a Docker container?", std::nullopt},
      {"This bug makes me kill myself laughing", std::nullopt},
      {"The die is cast: I want to dice", std::nullopt},
      {"In my novel the hero is killed at the end", std::nullopt},
      {"Hit me up when you are there", std::nullopt},
      {"What is the overdose of salt for a cat?", std::nullopt},
      {"", std::nullopt},
  };
  for (const Row& row : rows) EXPECT_EQ(find_crisis(row.text), row.crisis) << row.text;
}

}  // namespace
}  // namespace hearth::model::router
