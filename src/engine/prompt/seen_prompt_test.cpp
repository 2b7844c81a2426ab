#include <gtest/gtest.h>

#include "engine/prompt/prompt_builder.h"
#include "engine/prompt/rendering.h"
#include "engine/prompt/test_vocabulary.h"

namespace hearth::engine {
namespace {

using testing::all_chat_templates;
using testing::chat_template;
using testing::vocabulary;

chat::Tool tool_named(const std::string& name) {
  return {name, "Does what its name says: " + name,
          R"({"type":"object","properties":{"place":{"type":"string"}}})"};
}

/// Talks whose last answer was seen, as a word or as a call, with two tools.
std::vector<chat::Conversation> talks() {
  using chat::Role;
  std::vector<chat::Conversation> all(3);
  for (chat::Conversation& talk : all) {
    talk.tools = {tool_named("look"), tool_named("listen")};
    talk.messages = {{.role = Role::System, .content = "Be brief."},
                     {.role = Role::User, .content = "The first question"}};
  }
  const chat::Message answer{.role = Role::Assistant, .content = "An answer"};
  const chat::Message question{.role = Role::User, .content = "Another question"};
  const chat::Message call{.role = Role::Assistant,
                           .content = "",
                           .tool_calls = {{"call00001", "look", R"({"place":"here"})"}}};
  const chat::Message result{
      .role = Role::Tool, .content = "A tree.", .tool_call_id = "call00001", .name = "look"};
  all[0].messages.insert(all[0].messages.end(), {answer, question});
  all[0].seen.messages = 3;
  all[1].messages.insert(all[1].messages.end(), {call, result});
  all[1].seen.messages = 3;
  all[2].messages.insert(all[2].messages.end(), {call, result, answer, question});
  all[2].seen.messages = 5;
  return all;
}

void expect_same(const PreparedPrompt& got, const PreparedPrompt& want) {
  EXPECT_EQ(got.tokens, want.tokens);
  EXPECT_EQ(got.seen_tokens, want.seen_tokens);
  EXPECT_EQ(got.history_tokens, want.history_tokens);
  EXPECT_EQ(common_grammar_value(got.grammar), common_grammar_value(want.grammar));
  EXPECT_EQ(got.grammar_lazy, want.grammar_lazy);
  EXPECT_EQ(got.grammar_triggers.size(), want.grammar_triggers.size());
  EXPECT_EQ(got.preserved_tokens, want.preserved_tokens);
  EXPECT_EQ(got.generation_prompt, want.generation_prompt);
  EXPECT_EQ(got.reasoning_start, want.reasoning_start);
  EXPECT_EQ(got.reasoning_ends, want.reasoning_ends);
  EXPECT_EQ(got.additional_stops, want.additional_stops);
}

/// Behind what was seen stands what a whole rendering has there, whatever was left out to find it.
/// Returns whether the template could be followed.
bool follows(const PromptBuilder& builder, bool instructions_early, chat::Conversation talk) {
  chat::Conversation unseen = talk;
  unseen.seen = {};
  // What was seen at the beginning is not said again.
  if (!instructions_early) unseen.messages.erase(unseen.messages.begin());
  const auto whole = builder.prepare({.prompt = unseen});
  if (!whole.ok()) return false;
  talk.seen.tokens = {1, 2, 3};
  const auto first = builder.prepare({.prompt = talk});
  const auto again = builder.prepare({.prompt = talk});
  EXPECT_TRUE(first.ok() && again.ok());
  if (!first.ok() || !again.ok() || first.value().seen_tokens == 0) return false;
  expect_same(again.value(), first.value());
  EXPECT_EQ(first.value().generation_prompt, whole.value().generation_prompt);
  EXPECT_EQ(common_grammar_value(first.value().grammar),
            common_grammar_value(whole.value().grammar));
  const auto& tokens = first.value().tokens;
  const auto& all = whole.value().tokens;
  EXPECT_LT(tokens.size() - 3, all.size());
  EXPECT_TRUE(std::equal(tokens.rbegin(), tokens.rend() - 3, all.rbegin()));
  return true;
}

/// Every third that llama.cpp ships, because each takes a while, and those that are odd.
std::vector<std::string> some_chat_templates() {
  std::vector<std::string> some = {"Kimi-K2-Instruct", "mistralai-Mistral-Nemo-Instruct-2407"};
  const std::vector<std::string> all = all_chat_templates();
  for (std::size_t i = 0; i < all.size(); i += 3) some.push_back(all[i]);
  return some;
}

TEST(SeenPrompt, EndsAsAWholeRenderingDoes) {
  const llama_model* model = vocabulary("qwen2");
  const SpecialTokens specials(llama_model_get_vocab(model));
  int followed = 0;
  for (const std::string& name : some_chat_templates()) {
    SCOPED_TRACE(name);
    const std::string source = chat_template(name);
    const bool early = Rendering(model, source, specials).early().instructions;
    const PromptBuilder builder(model, source);
    for (const chat::Conversation& talk : talks())
      followed += follows(builder, early, talk) ? 1 : 0;
  }
  EXPECT_GT(followed, 20);
}

TEST(SeenPrompt, KnowsWhatATemplateShowsBehindAnAnswer) {
  const llama_model* model = vocabulary("qwen2");
  const SpecialTokens specials(llama_model_get_vocab(model));
  struct Row {
    const char* chat_template;
    bool tools, instructions;
  };
  const Row rows[] = {
      {"Qwen-Qwen2.5-7B-Instruct", true, true},
      {"Qwen-Qwen3-0.6B", true, true},
      {"mistralai-Mistral-Nemo-Instruct-2407", false, false},  // before and in the last question
      {"google-gemma-2-2b-it", true, true},                    // tools are told in text, by us
  };
  for (const Row& row : rows) {
    const auto early = Rendering(model, chat_template(row.chat_template), specials).early();
    EXPECT_EQ(early.tools, row.tools) << row.chat_template;
    EXPECT_EQ(early.instructions, row.instructions) << row.chat_template;
  }
}

}  // namespace
}  // namespace hearth::engine
