#pragma once
#include <array>
#include <cstdint>
#include <list>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "engine/grammar/vocabulary_index.h"
#include "engine/runtime/recent.h"

struct llama_grammar;          // NOLINT(readability-identifier-naming)
struct llama_grammar_element;  // NOLINT(readability-identifier-naming)

namespace hearth::engine {

/// A set of tokens: one bit for each of the vocabulary.
class TokenSet {
 public:
  explicit TokenSet(std::uint32_t vocabulary) : words_((vocabulary + 63) / 64) {}
  void insert(llama_token token) { words_[word(token)] |= bit(token); }
  bool contains(llama_token token) const { return (words_[word(token)] & bit(token)) != 0; }
  bool empty() const;
  std::size_t bytes() const { return words_.size() * sizeof(std::uint64_t); }
  bool operator==(const TokenSet&) const = default;

 private:
  static std::size_t word(llama_token token) { return static_cast<std::uint32_t>(token) / 64; }
  static std::uint64_t bit(llama_token token) {
    return std::uint64_t{1} << (static_cast<std::uint32_t>(token) % 64);
  }
  std::vector<std::uint64_t> words_;
};

struct FreeGrammar {
  void operator()(llama_grammar* grammar) const;
};
using GrammarHandle = std::unique_ptr<llama_grammar, FreeGrammar>;

/// Where each element of a grammar's rules lies, counted through all rules. Two grammars from the
/// same text count alike, so that a position in one is found in the other. The grammar must outlive
/// it.
class GrammarElements {
 public:
  explicit GrammarElements(const llama_grammar& grammar);
  std::uint32_t number_of(const llama_grammar_element* element) const;
  const llama_grammar_element* at(std::uint32_t number) const;
  std::uint32_t size() const { return size_; }

  /// What `grammar`, whose elements these are, may still read, in a form that can be compared: its
  /// stacks in a fixed order. Half a character that was read is not in it.
  std::u32string position(const llama_grammar& grammar) const;

 private:
  struct Rule {
    const llama_grammar_element* begin = nullptr;
    std::uint32_t size = 0;
    std::uint32_t first = 0;  // number of its first element
  };
  std::vector<Rule> by_address_{};
  std::vector<Rule> by_number_{};
  std::uint32_t size_ = 0;
};

/// What a grammar allows at each of its positions, worked out when first asked for and kept, within
/// bounds, for all generations that follow the same grammar. Deterministic: an answer depends on
/// the grammar, the vocabulary and the position alone. Scheduler thread.
class CompiledGrammar {
 public:
  // What is kept; at any of the bounds all is forgotten.
  static constexpr std::size_t kPositionsMax = 4'096;
  static constexpr std::size_t kPositionsBytesMax = 8 * 1024 * 1024;  // about
  static constexpr std::size_t kMasksBytesMax = 8 * 1024 * 1024;
  static constexpr std::size_t kForcedBytesMax = 1'024;  // of one forced text

  /// Errors: InvalidInput (does not parse; without a field). `vocabulary` must outlive it.
  static Result<std::shared_ptr<CompiledGrammar>> make(const VocabularyIndex& vocabulary,
                                                       const std::string& gbnf);
  ~CompiledGrammar();
  CompiledGrammar(const CompiledGrammar&) = delete;
  CompiledGrammar& operator=(const CompiledGrammar&) = delete;

  /// The tokens that may come at `position` (GrammarElements::position), where no half character is
  /// open. Good until the next call.
  const TokenSet& allowed(const std::u32string& position);

  struct Forced {
    std::string text{};  // all of it; whole characters
    bool ends = false;   // behind it nothing may come but the end
    bool cut = false;    // it goes on: kForcedBytesMax
  };
  /// What must come at `position`, whatever the tokens that spell it: empty where there is a
  /// choice.
  Forced forced(const std::u32string& position);

  /// For /metrics: masks that were found and that had to be made.
  std::uint64_t hits() const { return hits_; }
  std::uint64_t misses() const { return misses_; }
  std::size_t positions() const { return states_.size(); }

 private:
  struct State;
  static constexpr std::int32_t kDead = -1, kUnknown = -2;

  CompiledGrammar(const VocabularyIndex& vocabulary, GrammarHandle grammar);
  std::int32_t find(const std::u32string& position);
  std::int32_t after(std::int32_t state, std::uint32_t code_point);
  bool is_crowded() const;
  void forget_if_full();
  void put(std::int32_t state);  // makes it the grammar's position
  void walk(std::int32_t from, TokenSet& allowed);
  void ask_llama(std::span<const llama_token> tokens, TokenSet& allowed) const;
  TokenSet make_mask(std::int32_t state);

  const VocabularyIndex& vocabulary_;
  GrammarHandle grammar_;
  GrammarElements elements_;
  bool names_tokens_ = false;  // some rule asks for a token by its number
  std::vector<std::unique_ptr<State>> states_{};
  std::unordered_map<std::u32string, std::int32_t> numbers_{};
  std::size_t positions_bytes_ = 0, masks_bytes_ = 0;
  std::uint64_t hits_ = 0, misses_ = 0;
};

/// The grammars that were used lately, compiled; the longest unused goes first. Scheduler thread.
class GrammarCache {
 public:
  static constexpr std::size_t kGrammarsMax = 8;

  explicit GrammarCache(const llama_vocab* vocab) : vocab_(vocab) {}
  /// Errors: those of CompiledGrammar::make.
  Result<std::shared_ptr<CompiledGrammar>> find(const std::string& gbnf);

  /// The grammars of generations at their beginning, under what makes them: to be copied, because
  /// parsing a large one takes as long as many tokens.
  Recent<GrammarHandle>& beginnings() { return beginnings_; }

  std::uint64_t hits() const;
  std::uint64_t misses() const;
  std::size_t size() const { return grammars_.size(); }

 private:
  struct Item {
    std::string gbnf;
    // Shared with the generations that follow it, until the last of them ends.
    std::shared_ptr<CompiledGrammar> grammar;
  };
  const llama_vocab* vocab_;
  std::unique_ptr<VocabularyIndex> index_{};  // made with the first grammar
  std::list<Item> grammars_{};                // the latest used first
  Recent<GrammarHandle> beginnings_{kGrammarsMax};
  std::uint64_t gone_hits_ = 0, gone_misses_ = 0;
};

}  // namespace hearth::engine
