#include "engine/grammar/constraint.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>

#include "engine/prompt/json_spacing.h"
#include "engine/prompt/test_vocabulary.h"
#include "json-schema-to-grammar.h"

namespace hearth::engine {
namespace {

/// A model of nothing but one of llama.cpp's vocabularies.
const LoadedModel& model_of(const std::string& name) {
  static std::map<std::string, LoadedModel> models;
  const auto [found, is_new] = models.try_emplace(name);
  if (is_new) {
    testing::vocabulary(name);  // silences llama.cpp
    llama_model_params params = llama_model_default_params();
    params.vocab_only = true;
    const std::string path =
        std::string(HEARTH_LLAMA_SOURCE) + "/models/ggml-vocab-" + name + ".gguf";
    found->second.model.reset(llama_model_load_from_file(path.c_str(), params));
  }
  return found->second;
}

std::string schema_grammar(const char* schema) {
  return with_fixed_spacing(json_schema_to_grammar(common_json::parse(schema)));
}

PreparedPrompt prompt_with(const std::string& gbnf) {
  PreparedPrompt prompt;
  prompt.grammar = {COMMON_GRAMMAR_TYPE_USER, gbnf};
  return prompt;
}

class ConstraintTest : public ::testing::Test {
 protected:
  std::unique_ptr<Constraint> constraint(const PreparedPrompt& prompt) {
    auto made = Constraint::make(model_, prompt, cache_);
    EXPECT_TRUE(made.ok());
    return std::move(made).value();
  }
  std::string text(const std::vector<llama_token>& tokens) const {
    std::string all;
    for (const llama_token token : tokens) all += model_.piece(token, false);
    return all;
  }
  /// Says `text` token by token.
  void say(Constraint& to, const std::string& text) {
    const auto tokens = tokenize(model_.vocab(), text, false, false);
    for (const llama_token token : tokens.value()) EXPECT_TRUE(to.accept(token).ok()) << text;
  }

  const LoadedModel& model_ = model_of("qwen2");
  GrammarCache cache_{model_.vocab()};
};

TEST_F(ConstraintTest, ForcedTextTable) {
  const std::string two_keys = schema_grammar(
      R"({"type":"object","properties":{"first name":{"type":"string"},"n":{"type":"integer"}},
          "required":["first name","n"],"additionalProperties":false})");
  const std::string choices = schema_grammar(
      R"({"type":"object","properties":{"k":{"enum":["red","redder","blue"]},
          "c":{"const":"yes, sir"},"b":{"type":"boolean"}},
          "required":["k","c","b"],"additionalProperties":false})");
  struct Case {
    const char* what;
    std::string grammar;
    const char* said;
    const char* forced;
    bool over = false;
  };
  const Case kCases[] = {
      {"first key", two_keys, "", R"({"first name": ")"},
      {"inside a string", two_keys, R"({"first name": "Ada)", ""},
      {"next key; the space stays", two_keys, R"({"first name": "Ada")", R"(, "n":)"},
      {"a digit may go on", two_keys, R"({"first name": "", "n": 12)", ""},
      {"the end", two_keys, R"({"first name": "", "n": 12})", "", true},
      {"enum: nothing yet", choices, "", R"({"k": ")"},
      {"enum: a word is not cut", choices, R"({"k": "r)", ""},
      {"constant and key", choices, R"({"k": "blue")", R"(, "c": "yes, sir", "b":)"},
      {"to the end", choices, R"({"k": "blue", "c": "yes, sir", "b": t)", "rue}"},
      {"a bracket may have company", schema_grammar(R"({"type":"object"})"), "", ""},
      {"all of it", R"(root ::= "yes")", "", "yes"},
      {"alternatives that begin alike", R"(root ::= "- one" | "- two")", "", "-"},
      {"a character that is not ASCII", R"g(root ::= "(ü)" [a-z])g", "", "(ü)"},
      {"a class of one", "root ::= [a] \".\" [b]", "", "a.b"},
      {"what looks like a special token", R"g(root ::= "(<|im_end|>)" [a-z])g", "", ""},
      {"nothing", R"(root ::= "")", "", "", true},
      {"an end is a choice", R"(root ::= "a" | "ab")", "a", ""},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.what);
    const auto made = constraint(prompt_with(c.grammar));
    say(*made, c.said);
    EXPECT_EQ(text(made->forced()), c.forced);
    EXPECT_EQ(made->is_over(), c.over);
  }
}

TEST_F(ConstraintTest, ForcedTextIsBounded) {
  const auto made = constraint(prompt_with("root ::= \"" + std::string(5'000, '.') + "\""));
  std::size_t said = 0;
  for (auto forced = made->forced(); !forced.empty(); forced = made->forced()) {
    EXPECT_LE(text(forced).size(), CompiledGrammar::kForcedBytesMax);
    for (const llama_token token : forced) ASSERT_TRUE(made->accept(token).ok());
    said += text(forced).size();
  }
  EXPECT_EQ(said, 5'000u);
  EXPECT_TRUE(made->is_over());
}

TEST_F(ConstraintTest, ALazyGrammarSleepsUntilItsTrigger) {
  PreparedPrompt prompt = prompt_with(R"(root ::= "<call>{\"name\": \"x\"}" | "<call>[]")");
  prompt.grammar_lazy = true;
  prompt.grammar_triggers = {{COMMON_GRAMMAR_TRIGGER_TYPE_WORD, "<call>"}};
  const auto made = constraint(prompt);
  EXPECT_FALSE(made->is_awake());
  EXPECT_TRUE(made->forced().empty());
  EXPECT_FALSE(made->is_over());
  say(*made, "Anything at all, [ even");
  EXPECT_FALSE(made->is_awake());
  say(*made, "<call>");
  EXPECT_TRUE(made->is_awake());
  EXPECT_TRUE(made->forced().empty());
  say(*made, "{");
  EXPECT_EQ(text(made->forced()), R"("name": "x"})");
}

TEST_F(ConstraintTest, RefusesWhatTheGrammarDoesNotAllow) {
  const auto made = constraint(prompt_with(R"(root ::= "yes")"));
  const llama_token end = llama_vocab_eos(model_.vocab());
  EXPECT_FALSE(made->allows(end));
  const auto refused = made->accept(end);  // llama.cpp would end the process
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Code::InvalidInput);
  say(*made, "yes");
  EXPECT_TRUE(made->accept(end).ok());
  EXPECT_FALSE(Constraint::make(model_, prompt_with("root ::= ("), cache_).ok());
}

TEST_F(ConstraintTest, GrammarsAreKeptUpToTheBound) {
  std::vector<std::shared_ptr<CompiledGrammar>> grammars;
  for (std::size_t i = 0; i <= GrammarCache::kGrammarsMax; ++i) {
    grammars.push_back(cache_.find("root ::= \"" + std::to_string(i) + "\"").value());
    EXPECT_EQ(cache_.size(), std::min(i + 1, GrammarCache::kGrammarsMax));
  }
  EXPECT_EQ(cache_.find("root ::= \"1\"").value(), grammars[1]);
  EXPECT_NE(cache_.find("root ::= \"0\"").value(), grammars[0]);  // was the longest unused
}

TEST_F(ConstraintTest, PositionsAreForgottenAtTheBound) {
  const LoadedModel& model = model_of("llama-spm");
  GrammarCache cache(model.vocab());
  const std::string gbnf = "root ::= r r r r r r\nr ::= [a-z]{1000}";  // a position for each letter
  const auto made = Constraint::make(model, prompt_with(gbnf), cache).value();
  const auto compiled = cache.find(gbnf).value();
  const llama_token letter = tokenize(model.vocab(), "\na", false, false).value().back();
  std::size_t most = 0, before = 0;
  bool forgot = false;
  for (int i = 0; i < 300; ++i) {
    EXPECT_TRUE(made->allowed().contains(letter));
    most = std::max(most, compiled->positions());
    forgot |= compiled->positions() < before;
    before = compiled->positions();
    for (int k = 0; k < 20; ++k) ASSERT_TRUE(made->accept(letter).ok());
  }
  EXPECT_TRUE(forgot);
  EXPECT_LE(most, CompiledGrammar::kPositionsMax + 100);
  EXPECT_TRUE(made->is_over());
}

/// Every mask along random texts, against llama.cpp's own.
class Masks : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Vocabularies, Masks,
                         ::testing::Values("qwen2", "llama-spm", "gpt-2", "phi-3"));

TEST_P(Masks, EqualLlamasOwn) {
  const LoadedModel& model = model_of(GetParam());
  GrammarCache cache(model.vocab());
  const std::string kGrammars[] = {
      schema_grammar(R"({"type":"object"})"),
      schema_grammar(R"({"type":"object","properties":{"a":{"type":"string","maxLength":9},
          "b":{"type":"integer","minimum":-5,"maximum":1234},"c":{"enum":["ä","äö","漢字"]},
          "d":{"type":"array","items":{"type":"number"},"maxItems":2}},
          "required":["a","b","c","d"]})"),
      R"(root ::= [^a-z\n]+ "é" .{0,3} ("x" | "xy")* "\n")",
  };
  std::mt19937 random(7);
  for (const std::string& gbnf : kGrammars) {
    for (int round = 0; round < 2; ++round) {  // the second mostly finds its masks
      const auto made = Constraint::make(model, prompt_with(gbnf), cache);
      ASSERT_TRUE(made.ok());
      const llama_sampler_ptr own(llama_sampler_init_grammar(model.vocab(), gbnf.c_str(), "root"));
      for (int step = 0; step < 12; ++step) {
        std::vector<llama_token_data> all;
        for (llama_token t = 0; t < model.vocabulary(); ++t) all.push_back({t, 0.0f, 0.0f});
        llama_token_data_array array{all.data(), all.size(), -1, false};
        llama_sampler_apply(own.get(), &array);
        const TokenSet& ours = made.value()->allowed();
        std::vector<llama_token> allowed;
        for (const llama_token_data& item : all) {
          const bool may = item.logit != -INFINITY;
          ASSERT_EQ(ours.contains(item.id), may)
              << grammar_text(model.vocab(), item.id) << " at step " << step << " of " << gbnf;
          if (may && !llama_vocab_is_eog(model.vocab(), item.id)) allowed.push_back(item.id);
        }
        if (allowed.empty()) break;
        const llama_token next = allowed[random() % allowed.size()];
        ASSERT_TRUE(made.value()->allows(next));
        llama_sampler_accept(own.get(), next);
        ASSERT_TRUE(made.value()->accept(next).ok());
      }
    }
  }
  EXPECT_GT(cache.misses(), 0u);
  EXPECT_GT(cache.hits(), 0u);
}

}  // namespace
}  // namespace hearth::engine
