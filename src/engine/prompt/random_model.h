#pragma once
#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "base/utf8.h"
#include "engine/prompt/output_parser.h"
#include "engine/prompt/prompt_builder.h"
#include "llama-cpp.h"

/// For tests: a model that says anything its grammar allows.
namespace hearth::engine::testing {

struct Spoken {
  bool ended = false;  // by itself, before the limit
  std::string text;
  chat::Delta all{};  // the deltas joined; tool_calls[i] is call i, whole
  bool called = false;
};

inline void join(chat::Delta piece, Spoken& out) {
  out.all.content += piece.content;
  out.all.reasoning += piece.reasoning;
  for (auto& call : piece.tool_calls) {
    if (out.all.tool_calls.size() <= call.index) out.all.tool_calls.resize(call.index + 1);
    auto& whole = out.all.tool_calls[call.index];
    whole.index = call.index;
    whole.id += call.id;
    whole.name += call.name;
    whole.arguments += call.arguments;
  }
}

/// Feeds `text` in pieces of `bytes` characters and finishes.
inline Spoken read_in_pieces(const PreparedPrompt& prompt, const std::string& text,
                             std::size_t bytes) {
  Spoken result{.ended = true, .text = text};
  OutputParser parser(prompt);
  for (std::size_t at = 0; at < text.size(); at += bytes) {
    auto delta = parser.feed(std::string_view(text).substr(at, bytes));
    if (delta.ok()) join(std::move(delta).value(), result);
  }
  auto last = parser.finish();
  if (last.ok()) join(std::move(last).value(), result);
  result.called = parser.called_tools();
  return result;
}

/// Says random tokens that `prompt`'s grammar (not lazy) allows. Characters that end things are
/// likelier than others, or strings would never close.
inline Spoken speak(const llama_model* model, const PreparedPrompt& prompt, std::uint32_t seed,
                    int tokens_max = 400) {
  const llama_vocab* vocab = llama_model_get_vocab(model);
  const llama_sampler_ptr grammar(
      llama_sampler_init_grammar(vocab, prompt.grammar.grammar.c_str(), "root"));
  std::mt19937 random(seed);
  OutputParser parser(prompt);
  Spoken result;
  std::string held;  // bytes of a character that is not whole
  for (int i = 0; i < tokens_max && grammar; ++i) {
    std::vector<llama_token_data> choices;
    const auto offer = [&](llama_token token, float bonus) {
      choices.push_back({token, bonus + static_cast<float>(random() % 1000) / 1000, 0});
    };
    const std::int32_t count = llama_vocab_n_tokens(vocab);
    for (int j = 0; j < 300; ++j)
      offer(static_cast<llama_token>(random() % static_cast<unsigned>(count)), 0.05f);
    static std::vector<llama_token> short_ones;
    static const llama_vocab* short_of = nullptr;
    if (short_of != vocab) {
      short_of = vocab;
      short_ones.clear();
      for (llama_token token = 0; token < count; ++token) {
        const std::string piece = common_token_to_piece(vocab, token, true);
        if (piece.size() == 1 || llama_vocab_is_eog(vocab, token)) short_ones.push_back(token);
      }
    }
    for (const llama_token token : short_ones) {
      const std::string piece = common_token_to_piece(vocab, token, true);
      const bool ends =
          llama_vocab_is_eog(vocab, token) || piece.find_first_of("\"}]<") != std::string::npos;
      offer(token, ends && random() % 2 == 0 ? 1.0f : 0.0f);
    }
    for (const llama_token token : prompt.preserved_tokens) offer(token, 0.5f);
    llama_token_data_array array{choices.data(), choices.size(), -1, false};
    llama_sampler_apply(grammar.get(), &array);
    const auto best =
        std::max_element(choices.begin(), choices.end(),
                         [](const auto& a, const auto& b) { return a.logit < b.logit; });
    if (!(best->logit > -1e30f)) break;
    result.ended = llama_vocab_is_eog(vocab, best->id);
    if (result.ended) break;
    llama_sampler_accept(grammar.get(), best->id);
    held += common_token_to_piece(vocab, best->id, prompt.kept_as_text(best->id));
    if (utf8_complete_bytes(held) < held.size()) continue;
    result.text += held;
    auto delta = parser.feed(held);
    if (delta.ok()) join(std::move(delta).value(), result);
    held.clear();
  }
  auto last = parser.finish();
  if (last.ok()) join(std::move(last).value(), result);
  result.called = parser.called_tools();
  return result;
}

}  // namespace hearth::engine::testing
