#include "engine/prompt/output_parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "engine/prompt/random_model.h"
#include "engine/prompt/test_vocabulary.h"

namespace hearth::engine {
namespace {

using nlohmann::json;
using testing::chat_template;
using testing::read_in_pieces;
using testing::speak;
using testing::Spoken;
using testing::vocabulary;
using ToolMode = chat::ToolChoice::Mode;

chat::Conversation with_tools(ToolMode mode, bool parallel = true) {
  chat::Conversation result;
  result.messages = {{.role = chat::Role::User, .content = "hello"}};
  result.tools = {
      {"weather", "the weather",
       R"({"type":"object","properties":{"city":{"type":"string"},"days":{"type":"integer"}},"required":["city"]})"},
      {"send", "sends",
       R"({"type":"object","properties":{"to":{"enum":["a","b"]},"now":{"type":"boolean"}},"required":["to","now"]})"}};
  result.tool_choice = {mode, mode == ToolMode::Named ? "send" : ""};
  result.parallel_tool_calls = parallel;
  return result;
}

PreparedPrompt prepared(const std::string& name, const chat::Request& request) {
  const PromptBuilder builder(vocabulary("qwen2"), chat_template(name));
  auto prompt = builder.prepare(request);
  EXPECT_TRUE(prompt.ok()) << prompt.error().message;
  return std::move(prompt).value();
}

constexpr std::size_t kPieceBytes[] = {1, 3, 17, 100'000};

TEST(OutputParser, PlainTextPassesThrough) {
  const PromptBuilder builder(vocabulary("gpt-2"));
  const auto prompt = builder.prepare({.prompt = chat::PlainText{"x"}}).value();
  OutputParser parser(prompt);
  EXPECT_EQ(parser.feed("<tool_call> hi").value().content, "<tool_call> hi");
  EXPECT_EQ(parser.finish().value().content, "");
  EXPECT_FALSE(parser.called_tools());
}

TEST(OutputParser, IdsOfCallsFollowFromTheRequestWhenAsked) {
  PreparedPrompt prompt = prepared("Qwen-Qwen3-0.6B", {.prompt = with_tools(ToolMode::Auto)});
  const std::string call =
      "<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Rome\"}}\n</tool_call>";
  const auto ids = [&] {
    std::vector<std::string> all;
    for (const auto& made : read_in_pieces(prompt, call + "\n" + call, 5).all.tool_calls)
      all.push_back(made.id);
    return all;
  };
  EXPECT_NE(ids(), ids());
  prompt.call_ids = 7;
  const auto fixed = ids();
  ASSERT_EQ(fixed.size(), 2u);
  EXPECT_EQ(fixed[0], "call_000000000000000700000000");
  EXPECT_NE(fixed[0], fixed[1]);
  EXPECT_EQ(ids(), fixed);
}

TEST(OutputParser, ReadsTextThoughtsAndCalls) {
  struct Case {
    const char* text;
    const char* content;
    const char* reasoning;
    std::vector<std::pair<std::string, std::string>> calls;
  };
  const Case kCases[] = {
      {"Just words, <b>bold</b> ones.", "Just words, <b>bold</b> ones.", "", {}},
      {"<think>hmm</think>\n\nYes.", "Yes.", "hmm", {}},
      {"<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Rome\"}}\n</tool_call>",
       "",
       "",
       {{"weather", R"({"city": "Rome"})"}}},
      {"<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": "
       "\"A\"}}\n</tool_call>\n<tool_call>\n"
       "{\"name\": \"send\", \"arguments\": {\"to\": \"a\", \"now\": true}}\n</tool_call>",
       "",
       "",
       {{"weather", R"({"city": "A"})"}, {"send", R"({"to": "a", "now": true})"}}},
      {"<think>which?</think>\n\nI look.\n<tool_call>\n{\"name\": \"send\", \"arguments\": "
       "{\"to\": \"b\", \"now\": "
       "false}}\n</tool_call>",
       "I look.\n",
       "which?",
       {{"send", R"({"to": "b", "now": false})"}}},
  };
  const PreparedPrompt prompt = prepared("Qwen-Qwen3-0.6B", {.prompt = with_tools(ToolMode::Auto)});
  for (const Case& c : kCases) {
    for (const std::size_t bytes : kPieceBytes) {
      SCOPED_TRACE(std::string(c.text) + " in pieces of " + std::to_string(bytes));
      const Spoken read = read_in_pieces(prompt, c.text, bytes);
      EXPECT_EQ(read.all.content, c.content);
      EXPECT_EQ(read.all.reasoning, c.reasoning);
      ASSERT_EQ(read.all.tool_calls.size(), c.calls.size());
      EXPECT_EQ(read.called, !c.calls.empty());
      for (std::size_t i = 0; i < c.calls.size(); ++i) {
        EXPECT_EQ(read.all.tool_calls[i].name, c.calls[i].first);
        EXPECT_EQ(json::parse(read.all.tool_calls[i].arguments), json::parse(c.calls[i].second));
        EXPECT_THAT(read.all.tool_calls[i].id, ::testing::StartsWith("call_"));
      }
    }
  }
}

TEST(OutputParser, TheFirstPieceOfACallHasIdAndWholeName) {
  const PreparedPrompt prompt =
      prepared("Qwen-Qwen2.5-7B-Instruct", {.prompt = with_tools(ToolMode::Auto)});
  const std::string text =
      "<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Rome\"}}\n</tool_call>";
  OutputParser parser(prompt);
  bool first = true;
  const auto look = [&](const chat::Delta& delta) {
    for (const auto& call : delta.tool_calls) {
      EXPECT_EQ(call.name, first ? "weather" : "");
      EXPECT_EQ(call.id.empty(), !first);
      first = false;
    }
  };
  for (const char c : text) look(parser.feed(std::string(1, c)).value());
  look(parser.finish().value());
  EXPECT_FALSE(first);
}

TEST(OutputParser, BrokenCallsAreText) {
  const PreparedPrompt prompt =
      prepared("Qwen-Qwen2.5-7B-Instruct", {.prompt = with_tools(ToolMode::Auto)});
  for (const std::string text :
       {"<tool_call>\nnonsense\n</tool_call> and on",
        "A <tool_call>{\"name\": \"other\", \"arguments\": {}}</tool_call>"}) {
    for (const std::size_t bytes : kPieceBytes) {
      SCOPED_TRACE(text + " in pieces of " + std::to_string(bytes));
      const Spoken read = read_in_pieces(prompt, text, bytes);
      EXPECT_EQ(read.all.content, text);
      EXPECT_FALSE(read.called);
    }
  }
}

TEST(OutputParser, StammeredBracketsAreText) {
  const PreparedPrompt prompt =
      prepared("Qwen-Qwen2.5-7B-Instruct", {.prompt = with_tools(ToolMode::Auto)});
  const std::string text =
      "<tool_call>\n{\"name\": \"weather\", \"arguments\": " + std::string(200'000, '[');
  const Spoken read = read_in_pieces(prompt, text, 5000);
  EXPECT_EQ(read.all.content, text);
}

TEST(OutputParser, EachWordIsSaidAtOnce) {
  for (const bool tools : {false, true}) {
    chat::Conversation talk = with_tools(ToolMode::Auto);
    if (!tools) talk.tools.clear();
    const PreparedPrompt prompt = prepared("Qwen-Qwen2.5-7B-Instruct", {.prompt = talk});
    OutputParser parser(prompt);
    ASSERT_EQ(parser.feed("First").value().content, "First");
    for (int word = 0; word < 1'600; ++word)  // 8 KB
      ASSERT_EQ(parser.feed(" word").value().content, " word") << word;
  }
}

TEST(OutputParser, TooLongAnswersAreRefused) {
  const PreparedPrompt prompt =
      prepared("Qwen-Qwen2.5-7B-Instruct", {.prompt = with_tools(ToolMode::Auto)});
  OutputParser parser(prompt);
  EXPECT_TRUE(parser.feed(std::string(kAnswerBytesMax, 'a')).ok());
  const auto over = parser.feed("b");
  ASSERT_FALSE(over.ok());
  EXPECT_EQ(over.error().code, Code::TooLarge);
}

TEST(OutputParser, ToolChoiceNoneSaysCallsAsText) {
  const PreparedPrompt prompt =
      prepared("Qwen-Qwen2.5-7B-Instruct", {.prompt = with_tools(ToolMode::None)});
  EXPECT_TRUE(prompt.grammar.empty());
  const std::string text =
      "<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Rome\"}}\n</tool_call>";
  const Spoken read = read_in_pieces(prompt, text, 5);
  EXPECT_EQ(read.all.content, text);
  EXPECT_FALSE(read.called);
}

/// Templates of every kind of call format whose grammar llama-common derives from the schemas.
const char* const kStrictTemplates[] = {"Qwen-Qwen2.5-7B-Instruct",
                                        "Qwen-Qwen3-0.6B",
                                        "Qwen-QwQ-32B",
                                        "meta-llama-Llama-3.1-8B-Instruct",
                                        "google-gemma-2-2b-it",
                                        "mistralai-Mistral-Nemo-Instruct-2407",
                                        "openai-gpt-oss-120b",
                                        "deepseek-ai-DeepSeek-R1-Distill-Llama-8B",
                                        "microsoft-Phi-3.5-mini-instruct",
                                        "meetkai-functionary-medium-v3.2",
                                        "NousResearch-Hermes-3-Llama-3.1-8B-tool_use",
                                        "Kimi-K2-Instruct",
                                        "ibm-granite-granite-4.0"};

TEST(OutputParser, RequiredCallsHoldWhateverTheModelSays) {
  const llama_model* model = vocabulary("gpt-2");
  int ended = 0;
  for (const char* name : kStrictTemplates) {
    const PromptBuilder builder(model, chat_template(name));
    for (const bool named : {false, true}) {
      for (const bool parallel : {false, true}) {
        const auto mode = named ? ToolMode::Named : ToolMode::Required;
        const auto prompt = builder.prepare({.prompt = with_tools(mode, parallel)});
        ASSERT_TRUE(prompt.ok()) << name << ": " << prompt.error().message;
        ASSERT_FALSE(prompt.value().grammar_lazy);
        for (std::uint32_t seed = 0; seed < 2; ++seed) {
          const Spoken said = speak(model, prompt.value(), seed);
          if (!said.ended) continue;  // a string without end; cut by tokens_max in real life
          ++ended;
          SCOPED_TRACE(std::string(name) + ": " + said.text);
          EXPECT_EQ(said.all.content, "");
          ASSERT_GE(said.all.tool_calls.size(), 1u);
          if (!parallel) {
            EXPECT_EQ(said.all.tool_calls.size(), 1u);
          }
          for (const auto& call : said.all.tool_calls) {
            const json arguments = json::parse(call.arguments, nullptr, false);
            ASSERT_TRUE(arguments.is_object()) << call.arguments;
            if (named || call.name == "send") {
              EXPECT_EQ(call.name, "send");
              EXPECT_TRUE(arguments["now"].is_boolean());
              EXPECT_TRUE(arguments["to"] == "a" || arguments["to"] == "b");
            } else {
              EXPECT_EQ(call.name, "weather");
              EXPECT_TRUE(arguments["city"].is_string());
              EXPECT_TRUE(!arguments.contains("days") || arguments["days"].is_number_integer());
            }
          }
        }
      }
    }
  }
  EXPECT_GT(ended, 30);
}

TEST(OutputParser, AutoCallsWaitForTheirTrigger) {
  for (const char* name : kStrictTemplates) {
    SCOPED_TRACE(name);
    const PreparedPrompt prompt = prepared(name, {.prompt = with_tools(ToolMode::Auto)});
    EXPECT_TRUE(prompt.grammar_lazy);
    EXPECT_FALSE(prompt.grammar.empty());
    EXPECT_FALSE(prompt.grammar_triggers.empty());
    for (const auto& trigger : prompt.grammar_triggers) {
      if (trigger.type == COMMON_GRAMMAR_TRIGGER_TYPE_TOKEN) {
        EXPECT_TRUE(prompt.kept_as_text(trigger.token));
      }
    }
  }
}

TEST(OutputParser, JsonAnswersFollowTheirSchema) {
  const llama_model* model = vocabulary("gpt-2");
  const PromptBuilder builder(model, chat_template("google-gemma-2-2b-it"));
  chat::Conversation conversation;
  conversation.messages = {{.role = chat::Role::User, .content = "hello"}};
  const std::string schema =
      R"({"type":"object","properties":{"a":{"type":"integer"}},"required":["a"],"additionalProperties":false})";
  int ended = 0;
  for (const auto& prompt_kind : {chat::Prompt(conversation), chat::Prompt(chat::PlainText{"x"})}) {
    const auto prompt = builder.prepare(
        {.prompt = prompt_kind, .format = {chat::OutputFormat::Kind::JsonSchema, schema}});
    ASSERT_TRUE(prompt.ok()) << prompt.error().message;
    if (std::holds_alternative<chat::Conversation>(prompt_kind)) {
      // Its grammar goes on from the end of the prompt, which speak() does not replay.
      const Spoken read = read_in_pieces(prompt.value(), "{\"a\": 5}", 2);
      EXPECT_EQ(read.all.content, "{\"a\": 5}");
      continue;
    }
    for (std::uint32_t seed = 0; seed < 5; ++seed) {
      const Spoken said = speak(model, prompt.value(), seed);
      if (!said.ended) continue;
      ++ended;
      EXPECT_TRUE(json::parse(said.all.content)["a"].is_number_integer()) << said.text;
    }
  }
  EXPECT_GT(ended, 2);
}

}  // namespace
}  // namespace hearth::engine
