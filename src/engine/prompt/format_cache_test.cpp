#include "engine/prompt/format_cache.h"

#include <gtest/gtest.h>

#include "engine/prompt/test_vocabulary.h"
#include "engine/runtime/guard.h"

namespace hearth::engine {
namespace {

using testing::all_chat_templates;
using testing::chat_template;
using testing::vocabulary;

common_chat_templates_inputs asking(const std::string& question) {
  common_chat_templates_inputs inputs;
  inputs.messages.resize(1);
  inputs.messages[0].role = "user";
  inputs.messages[0].content = question;
  return inputs;
}

common_chat_tool tool_named(const std::string& name) {
  return {name, "Does " + name, R"({"type":"object","properties":{"a":{"type":"string"}}})"};
}

/// What may be asked of a template beside the words of the conversation.
std::vector<common_chat_templates_inputs> kinds(const std::string& question) {
  std::vector<common_chat_templates_inputs> all(7, asking(question));
  all[1].tools = {tool_named("find"), tool_named("send")};
  all[2].tools = {tool_named("find")};
  all[2].tool_choice = COMMON_CHAT_TOOL_CHOICE_REQUIRED;
  all[3].json_schema = R"({"type":"object","properties":{"b":{"type":"integer"}}})";
  all[4].enable_thinking = false;
  all[5].reasoning_format = COMMON_REASONING_FORMAT_DEEPSEEK;
  all[6].messages.resize(2);  // the last word is the assistant's
  all[6].messages[1].role = "assistant";
  all[6].messages[1].content = "Because " + question;
  return all;
}

void expect_equal(const common_chat_params& got, const common_chat_params& want) {
  EXPECT_EQ(got.prompt, want.prompt);
  EXPECT_EQ(got.generation_prompt, want.generation_prompt);
  EXPECT_EQ(got.format, want.format);
  EXPECT_EQ(got.grammar, want.grammar);
  EXPECT_EQ(got.grammar_lazy, want.grammar_lazy);
  EXPECT_EQ(got.supports_thinking, want.supports_thinking);
  EXPECT_EQ(got.thinking_start_tag, want.thinking_start_tag);
  EXPECT_EQ(got.thinking_end_tags, want.thinking_end_tags);
  EXPECT_EQ(got.preserved_tokens, want.preserved_tokens);
  EXPECT_EQ(got.additional_stops, want.additional_stops);
  EXPECT_EQ(got.parser, want.parser);
  ASSERT_EQ(got.grammar_triggers.size(), want.grammar_triggers.size());
  for (std::size_t i = 0; i < want.grammar_triggers.size(); ++i) {
    EXPECT_EQ(got.grammar_triggers[i].type, want.grammar_triggers[i].type);
    EXPECT_EQ(got.grammar_triggers[i].value, want.grammar_triggers[i].value);
  }
}

/// As the cache gives it, and as llama-common does; refused alike, or equal.
void compare(FormatCache& cache, const common_chat_templates* templates,
             const common_chat_templates_inputs& inputs) {
  const auto want = guarded(Code::InvalidInput, "refused",
                            [&] { return common_chat_templates_apply(templates, inputs); });
  const auto got = guarded(Code::InvalidInput, "refused", [&] { return cache.apply(inputs); });
  ASSERT_EQ(got.ok(), want.ok());
  if (!want.ok()) return;
  expect_equal(got.value(), want.value());
  EXPECT_EQ(cache.render(inputs).prompt, want.value().prompt);
}

/// Learns from one conversation, then reads another. Returns how often it knew.
std::uint64_t check(const common_chat_templates* templates, bool every_kind) {
  FormatCache cache(templates);
  const auto first = kinds("What is the time?"), second = kinds("And now\n</think> then?");
  for (std::size_t i = every_kind ? 0 : 1; i < first.size(); i += every_kind ? 1 : 5) {
    const auto learned =
        guarded(Code::InvalidInput, "refused", [&] { return cache.apply(first[i]); });
    if (learned.ok()) compare(cache, templates, second[i]);
  }
  return cache.hits();
}

TEST(FormatCache, GivesForEveryTemplateWhatLlamaCommonDoes) {
  std::uint64_t hits = 0;
  std::size_t number = 0;
  for (const std::string& name : all_chat_templates()) {
    SCOPED_TRACE(name);
    const auto templates = guarded(Code::Corrupt, "template", [&] {
      return common_chat_templates_init(vocabulary("qwen2"), chat_template(name));
    });
    if (templates.ok()) hits += check(templates.value().get(), number++ % 3 == 0);
  }
  EXPECT_GT(hits, 100u);
}

class FormatCacheOfQwen : public ::testing::Test {
 protected:
  const common_chat_templates_ptr templates_ =
      common_chat_templates_init(vocabulary("qwen2"), chat_template("Qwen-Qwen2.5-7B-Instruct"));
  FormatCache cache_{templates_.get()};
};

TEST_F(FormatCacheOfQwen, WhatDiffersInOneTextIsAnotherFormat) {
  auto inputs = asking("What is the time?");
  inputs.tools = {tool_named("find")};
  cache_.apply(inputs);
  cache_.apply(inputs);
  EXPECT_EQ(cache_.hits(), 1u);
  inputs.tools[0].name = "fin";
  inputs.tools[0].description.insert(0, "d");  // the same bytes, divided in another place
  EXPECT_NE(cache_.apply(inputs).grammar.find("fin"), std::string::npos);
  EXPECT_EQ(cache_.hits(), 1u);
}

TEST_F(FormatCacheOfQwen, KeepsTheLastUsedFormats) {
  const auto with_tool = [](std::size_t n) {
    auto inputs = asking("What is the time?");
    inputs.tools = {tool_named("tool" + std::to_string(n))};
    return inputs;
  };
  for (std::size_t n = 0; n < FormatCache::kEntriesMax; ++n) cache_.apply(with_tool(n));
  cache_.apply(with_tool(0));
  EXPECT_EQ(cache_.hits(), 1u);
  cache_.apply(with_tool(FormatCache::kEntriesMax));  // 1 has to go
  cache_.apply(with_tool(0));
  EXPECT_EQ(cache_.hits(), 2u);
  cache_.apply(with_tool(1));
  EXPECT_EQ(cache_.hits(), 2u);
}

TEST_F(FormatCacheOfQwen, ALongSchemaIsNotKept) {
  auto inputs = asking("What is the time?");
  inputs.tools = {tool_named("find")};
  inputs.tools[0].description.assign(FormatCache::kKeyBytesMax, 'x');
  for (int i = 0; i < 2; ++i) cache_.apply(inputs);
  EXPECT_EQ(cache_.hits(), 0u);
  inputs.tools[0].description.resize(FormatCache::kKeyBytesMax - 512);
  for (int i = 0; i < 2; ++i) cache_.apply(inputs);
  EXPECT_EQ(cache_.hits(), 1u);
}

}  // namespace
}  // namespace hearth::engine
