#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "llama.h"

namespace hearth::engine {

/// A token with a meaning of its own, which llama.cpp finds in text by its spelling.
struct SpecialToken {
  llama_token id = 0;
  std::string text;
  bool strips_left = false, strips_right = false;  // swallows white space beside it
  bool blank = false;  // user-defined and only white space: ordinary text, not a danger
};

/// The special tokens of one vocabulary (control, unknown, user-defined), and what text could be
/// taken for one. Immutable after construction; any number of threads.
class SpecialTokens {
 public:
  explicit SpecialTokens(const llama_vocab* vocab);

  /// Those that occur in `text`, in the order in which llama.cpp looks for them: longest first.
  std::vector<const SpecialToken*> found_in(std::string_view text) const;

  struct Occurrence {
    std::size_t begin = 0, end = 0;  // bytes
  };
  /// Every place in `text` that spells a token which is not blank; they may overlap. In order of
  /// begin.
  std::vector<Occurrence> occurrences(std::string_view text) const;

  /// True if `text` spells a token that is not blank, or could become a part of one with other text
  /// beside it.
  bool hazardous(std::string_view text) const;

  /// `text` with U+200B put where it breaks every such spelling. Not hazardous any more, and the
  /// same if it never was.
  std::string defanged(std::string_view text) const;

 private:
  bool completes_a_token(std::string_view text) const;
  void index(const SpecialToken& token);

  std::vector<SpecialToken> tokens_;                   // in llama.cpp's order
  std::vector<std::vector<std::size_t>> by_first_;     // by first byte: positions in tokens_
  std::unordered_set<std::string> beginnings_, ends_;  // proper prefixes and suffixes
  std::string spellings_;                              // all, with '\0' between
  std::size_t longest_ = 0;                            // bytes
};

/// Length in bytes of the character that begins `text` (1 for ill-formed bytes). `text` is not
/// empty.
std::size_t first_character_bytes(std::string_view text);

}  // namespace hearth::engine
