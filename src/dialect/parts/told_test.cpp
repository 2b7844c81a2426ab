#include "dialect/parts/told.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hearth::dialect {
namespace {

using chat::Role;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

chat::Message calls(std::vector<std::string> ids) {
  chat::Message message{.role = Role::Assistant, .content = {}};
  for (const std::string& id : ids) message.tool_calls.push_back({id, "f", "{}"});
  return message;
}
chat::Message answers(const std::string& id, const std::string& content = "x") {
  return {.role = Role::Tool, .content = content, .tool_call_id = id};
}
const chat::Message kUser{.role = Role::User, .content = "u"};

/// "user", "calls", "answer:ID", each with a '!' where it is an error.
std::vector<std::string> shape(const chat::Conversation& conversation, Lost& lost) {
  const Talk talk(conversation, lost);
  std::vector<std::string> out;
  for (const Turn& turn : talk.turns()) {
    const bool is_answer = turn.said->role == Role::Tool;
    out.push_back(is_answer ? turn.said->tool_call_id + (turn.said->is_error ? "!" : "")
                            : chat::role_name(turn.said->role));
  }
  return out;
}

TEST(Talk, GivesEachCallOneAnswerInItsOrder) {
  struct Case {
    const char* name;
    std::vector<chat::Message> messages;
    std::vector<std::string> shape;
    std::size_t lost;
  };
  const Case kCases[] = {
      {"as it should be", {kUser, calls({"a"}), answers("a")}, {"user", "assistant", "a"}, 0},
      {"another order",
       {calls({"a", "b"}), answers("b"), answers("a"), kUser},
       {"assistant", "a", "b", "user"},
       0},
      {"one missing", {calls({"a", "b"}), answers("b")}, {"assistant", "a!", "b"}, 1},
      {"all missing", {calls({"a"}), kUser}, {"assistant", "a!", "user"}, 1},
      {"answered too late", {calls({"a"}), kUser, answers("a")}, {"assistant", "a!", "user"}, 2},
      {"answered twice", {calls({"a"}), answers("a"), answers("a")}, {"assistant", "a"}, 1},
      {"to nothing", {answers("z"), kUser, answers("y")}, {"user"}, 2},
      {"an id used again",
       {calls({"a"}), answers("a"), calls({"a"}), answers("a")},
       {"assistant", "a", "assistant", "a"},
       0},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    Lost lost;
    EXPECT_EQ(shape({.messages = c.messages}, lost), c.shape);
    EXPECT_EQ(lost.lines().size(), c.lost);
  }
}

TEST(Talk, PlacesTheTailBehindTheLastUser) {
  Lost lost;
  const chat::Conversation with{.messages = {kUser, calls({"a"}), answers("a")}, .tail = "t"};
  EXPECT_EQ(Talk(with, lost).tail_turn(), 0u);
  const chat::Conversation without{.messages = {kUser}};
  EXPECT_EQ(Talk(without, lost).tail_turn(), 1u);
  const chat::Conversation no_user{.messages = {{Role::System, "s"}}, .tail = "t"};
  const Talk talk(no_user, lost);
  EXPECT_EQ(talk.tail_turn(), 1u);
  EXPECT_EQ(talk.turns().at(1).said->role, Role::User);
  EXPECT_THAT(lost.lines(), IsEmpty());
}

TEST(PiecesOf, SplitsAtImages) {
  struct Case {
    const char* text;
    std::vector<std::uint32_t> at;
    std::vector<std::string> pieces;  // "*": an image
  };
  const Case kCases[] = {
      {"", {}, {}},
      {"ab", {}, {"ab"}},
      {"", {0, 0}, {"*", "*"}},
      {"ab", {0, 1, 2}, {"*", "a", "*", "b", "*"}},
      {"ab", {99}, {"ab", "*"}},
      {"ab", {2, 1}, {"ab", "*", "*"}},
      {"日b", {1}, {"*", "日b"}},
      {"日b", {3}, {"日", "*", "b"}},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.text);
    chat::Message message{.role = Role::User, .content = c.text};
    for (const std::uint32_t at : c.at) message.images.push_back({.at = at});
    std::vector<std::string> got;
    for (const Piece& piece : pieces_of(message))
      got.push_back(piece.image ? "*" : std::string(piece.text));
    EXPECT_EQ(got, c.pieces);
  }
}

TEST(CallIds, AreMadeOfWhatIsAllowed) {
  EXPECT_EQ(plain_call_id("toolu_A-1"), "toolu_A-1");
  EXPECT_EQ(plain_call_id(std::string(64, 'x')), std::string(64, 'x'));
  EXPECT_EQ(plain_call_id(std::string(65, 'x')).size(), 16u);
  EXPECT_EQ(plain_call_id("a b"), plain_call_id("a b"));
  EXPECT_NE(plain_call_id("a b"), plain_call_id("a c"));
  EXPECT_EQ(short_call_id("abcDEF123"), "abcDEF123");
  for (const char* id : {"", "call_1", "abcdefghi_", "abc-DEF12", "abcDEF1234"})
    EXPECT_EQ(short_call_id(id).find_first_of("_- "), std::string::npos);
  EXPECT_EQ(short_call_id("call_1").size(), 9u);
  EXPECT_NE(short_call_id("call_1"), short_call_id("call_2"));
}

TEST(NumberOf, IsAsItWasWritten) {
  for (const double number : {0.7, 0.1, 1.0, 0.0, 1.9, 0.000001})
    EXPECT_EQ(number_of(static_cast<float>(number)), number);
}

TEST(SchemaOf, IsOneOfAnObject) {
  const auto text = [](std::string parameters) {
    return schema_of({"f", "", std::move(parameters)}).dump();
  };
  const char* const kEmpty = R"({"type":"object","properties":{}})";
  for (const char* none : {"", "{}", "[]", "{"}) EXPECT_EQ(text(none), kEmpty);
  EXPECT_EQ(text(R"({"type":"object","properties":{"a":{}},"required":["a"]})"),
            R"({"type":"object","properties":{"a":{}},"required":["a"]})");
}

}  // namespace
}  // namespace hearth::dialect
