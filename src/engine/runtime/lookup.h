#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "llama.h"

namespace hearth::engine {

/// Guesses how a text goes on by finding where its last tokens stood before, in the prompt or in
/// the answer, and copying what followed there. Agents' answers repeat their context: file
/// contents, names, JSON keys. Grows with the text; 8 bytes for each token. One thread.
/// Source: prompt lookup decoding (A. Saxena, 2023), with the longest of the latest matches.
class Lookup {
 public:
  static constexpr std::uint32_t kMatchMin = 2;        // tokens that must agree
  static constexpr std::uint32_t kMatchMax = 16;       // longer ones count as this long
  static constexpr std::uint32_t kCandidatesMax = 16;  // places looked at for one guess

  /// `tokens_max`: how long the text may become.
  explicit Lookup(std::uint32_t tokens_max);

  struct Guess {
    std::vector<llama_token> tokens{};
    std::uint32_t match = 0;  // how many tokens agreed with those before the place
  };
  /// At most `count` tokens that may follow `text`; none where its end is new. `text` must begin
  /// with the text of the last call.
  Guess draft(std::span<const llama_token> text, std::uint32_t count);

 private:
  static constexpr std::uint32_t kNone = 0xFFFFFFFF;

  std::uint32_t slot_of(std::span<const llama_token> text, std::uint32_t end) const;
  void index(std::span<const llama_token> text);

  // A chain for each hash of two tokens: the end of its latest occurrence, and for each end the one
  // before it.
  std::vector<std::uint32_t> latest_;
  std::vector<std::uint32_t> before_{};
};

}  // namespace hearth::engine
