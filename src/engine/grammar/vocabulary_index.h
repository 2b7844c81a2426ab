#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "llama.h"

namespace hearth::engine {

/// A vocabulary's tokens in the order of their text, so that a grammar walks a prefix that many of
/// them share only once. Immutable after construction; any thread. The vocabulary must outlive it.
class VocabularyIndex {
 public:
  explicit VocabularyIndex(const llama_vocab* vocab);

  /// One token of whole characters; its code points as llama.cpp's grammars decode them.
  struct Entry {
    llama_token token = 0;
    std::uint32_t begin = 0;   // in code_points()
    std::uint32_t length = 0;  // code points; 1 or more
    std::uint32_t shared = 0;  // leading ones that it has in common with the entry before it
  };
  /// In the order of their code points.
  std::span<const Entry> entries() const { return entries_; }
  std::span<const std::uint32_t> code_points() const { return code_points_; }

  /// Tokens with half a character, broken text or a zero byte. Few.
  std::span<const llama_token> odd() const { return odd_; }
  /// Tokens that end a generation; they are in none of the other lists. Tokens without text are in
  /// no list: no grammar allows them.
  std::span<const llama_token> ends() const { return ends_; }

  std::uint32_t size() const { return size_; }
  const llama_vocab* vocab() const { return vocab_; }

 private:
  void add(llama_token token, std::string_view text);
  void sort();

  const llama_vocab* vocab_;
  std::uint32_t size_;
  std::vector<Entry> entries_{};
  std::vector<std::uint32_t> code_points_{};
  std::vector<llama_token> odd_{};
  std::vector<llama_token> ends_{};
};

/// A token's text, special tokens written out: what llama.cpp's grammars see.
std::string grammar_text(const llama_vocab* vocab, llama_token token);

}  // namespace hearth::engine
