#pragma once
#include <string>
#include <vector>

#include "engine/prompt/special_tokens.h"
#include "llama.h"

namespace hearth::engine {

/// Text of which some bytes come from us or from the template, and the others from a request.
struct MaskedText {
  std::string text;
  std::vector<bool> trusted;  // one a byte

  static MaskedText all(std::string text, bool trusted);
};

/// Tokenizes text so that special tokens come only from trusted bytes. Immutable; any number of
/// threads. Both arguments must outlive it.
class SpanTokenizer {
 public:
  SpanTokenizer(const llama_vocab* vocab, const SpecialTokens& specials)
      : vocab_(vocab), specials_(&specials) {}

  /// For text that is trusted throughout: the tokens of llama_tokenize(add_special = false,
  /// parse_special = true). A special token's spelling that is not trusted as a whole is tokenized
  /// as plain text; on vocabularies that put a space before text it may then gain a space. Source:
  /// llama_vocab::impl::tokenizer_st_partition and tokenize in llama.cpp, src/llama-vocab.cpp.
  std::vector<llama_token> tokenize(const MaskedText& masked) const;

  /// The special tokens alone, in order: what the text does, whatever it says.
  std::vector<llama_token> special_tokens(const MaskedText& masked) const;

 private:
  struct Piece {
    std::size_t begin = 0, end = 0;  // bytes; used when token is LLAMA_TOKEN_NULL
    llama_token token = LLAMA_TOKEN_NULL;
  };
  std::vector<Piece> partition(const MaskedText& masked) const;
  std::vector<Piece> split(const MaskedText& masked, Piece piece, const SpecialToken& token) const;
  void append_plain(const MaskedText& masked, Piece piece, std::vector<llama_token>& out) const;
  void append_text(std::string_view text, std::vector<llama_token>& out) const;
  std::vector<llama_token> plain(std::string_view text) const;

  const llama_vocab* vocab_;
  const SpecialTokens* specials_;
};

}  // namespace hearth::engine
