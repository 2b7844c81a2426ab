#include "engine/prompt/spelling.h"

#include "common.h"
#include "engine/runtime/guard.h"

namespace hearth::engine {
namespace {

/// The tokens behind `before`, if their texts are `text` or its beginning.
std::vector<llama_token> spelled_behind(const llama_vocab* vocab, const std::string& before,
                                        const std::string& text, bool special) {
  const llama_tokens tokens = common_tokenize(vocab, before + text, false, special);
  std::string said;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    said += common_token_to_piece(vocab, tokens[i], special);
    if (said != before && said != " " + before) continue;
    said.clear();
    begin = i + 1;
  }
  if (said.empty() || !text.starts_with(said)) return {};
  return {tokens.begin() + static_cast<std::ptrdiff_t>(begin), tokens.end()};
}

}  // namespace

std::string text_of(const llama_vocab* vocab, const std::vector<llama_token>& tokens,
                    bool special) {
  std::string text;
  for (const llama_token token : tokens) text += common_token_to_piece(vocab, token, special);
  return text;
}

std::vector<llama_token> spelled(const llama_vocab* vocab, const std::string& text, bool special) {
  if (text.empty()) return {};
  // Where a space is put before the text, the text is written behind a line break, which is cut
  // off.
  for (const std::string before : {"", "\n"}) {
    auto tokens = guarded(Code::InvalidInput, "the tokenizer failed",
                          [&] { return spelled_behind(vocab, before, text, special); });
    if (tokens.ok() && !tokens.value().empty()) return std::move(tokens).value();
  }
  return {};
}

}  // namespace hearth::engine
