#include "engine/grammar/compiled_grammar.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "engine/runtime/guard.h"
// Internal to llama.cpp v0.5.0, to which third_party/llama/pin.sh pins us: it promises nothing.
// Only this folder's files that say so in CMakeLists.txt can see it.
#include "llama-grammar.h"

namespace hearth::engine {
namespace {

/// The one character that may come at this element; 0 if several may, or a token.
std::uint32_t only_character(const llama_grammar_element* element) {
  if (element->type != LLAMA_GRETYPE_CHAR) return 0;
  const auto next = element[1].type;
  const bool several = next == LLAMA_GRETYPE_CHAR_ALT || next == LLAMA_GRETYPE_CHAR_RNG_UPPER;
  return several ? 0 : element->value;
}

/// False for a code point that no text can hold.
bool append_character(std::string& text, std::uint32_t point) {
  if (point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF)) return false;
  if (point < 0x80) {
    text += static_cast<char>(point);
    return true;
  }
  const int more = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
  constexpr std::uint32_t kFirst[] = {0, 0xC0, 0xE0, 0xF0};
  text += static_cast<char>(kFirst[more] | (point >> (6 * more)));
  for (int i = more - 1; i >= 0; --i) text += static_cast<char>(0x80 | ((point >> (6 * i)) & 0x3F));
  return true;
}

}  // namespace

bool TokenSet::empty() const {
  return std::all_of(words_.begin(), words_.end(), [](std::uint64_t word) { return word == 0; });
}

void FreeGrammar::operator()(llama_grammar* grammar) const { llama_grammar_free_impl(grammar); }

GrammarElements::GrammarElements(const llama_grammar& grammar) {
  for (const llama_grammar_rule& rule : grammar.rules) {
    by_number_.push_back({rule.data(), static_cast<std::uint32_t>(rule.size()), size_});
    size_ += static_cast<std::uint32_t>(rule.size());
  }
  by_address_ = by_number_;
  std::sort(by_address_.begin(), by_address_.end(),
            [](const Rule& a, const Rule& b) { return std::less<>()(a.begin, b.begin); });
}

std::uint32_t GrammarElements::number_of(const llama_grammar_element* element) const {
  auto above = std::upper_bound(by_address_.begin(), by_address_.end(), element,
                                [](const llama_grammar_element* wanted, const Rule& rule) {
                                  return std::less<>()(wanted, rule.begin);
                                });
  HEARTH_CHECK(above != by_address_.begin(), "the element is of another grammar");
  --above;
  return above->first + static_cast<std::uint32_t>(element - above->begin);
}

const llama_grammar_element* GrammarElements::at(std::uint32_t number) const {
  auto above =
      std::upper_bound(by_number_.begin(), by_number_.end(), number,
                       [](std::uint32_t wanted, const Rule& rule) { return wanted < rule.first; });
  --above;
  return above->begin + (number - above->first);
}

std::u32string GrammarElements::position(const llama_grammar& grammar) const {
  std::vector<std::u32string> stacks;
  stacks.reserve(grammar.stacks.size());
  for (const llama_grammar_stack& stack : grammar.stacks) {
    std::u32string& numbers = stacks.emplace_back();
    for (const llama_grammar_element* element : stack)
      numbers += static_cast<char32_t>(number_of(element));
  }
  std::sort(stacks.begin(), stacks.end());
  stacks.erase(std::unique(stacks.begin(), stacks.end()), stacks.end());
  std::u32string all;
  for (const std::u32string& stack : stacks) {
    all += static_cast<char32_t>(stack.size());
    all += stack;
  }
  return all;
}

struct CompiledGrammar::State {
  llama_grammar_stacks stacks{};
  bool may_end = false;
  std::array<std::int32_t, 128> after_ascii{};
  std::unordered_map<std::uint32_t, std::int32_t> after_others{};
  std::unique_ptr<TokenSet> mask{};
};

Result<std::shared_ptr<CompiledGrammar>> CompiledGrammar::make(const VocabularyIndex& vocabulary,
                                                               const std::string& gbnf) {
  TRY(llama_grammar* const parsed, guarded(Code::InvalidInput, "the grammar was refused", [&] {
        return llama_grammar_init_impl(vocabulary.vocab(), gbnf.c_str(), "root", false, nullptr, 0,
                                       nullptr, 0);
      }));
  if (!parsed) return Error{Code::InvalidInput, "the grammar does not parse"};
  return std::shared_ptr<CompiledGrammar>(new CompiledGrammar(vocabulary, GrammarHandle(parsed)));
}

CompiledGrammar::CompiledGrammar(const VocabularyIndex& vocabulary, GrammarHandle grammar)
    : vocabulary_(vocabulary), grammar_(std::move(grammar)), elements_(*grammar_) {
  for (const llama_grammar_rule& rule : grammar_->rules) {
    names_tokens_ |= std::any_of(rule.begin(), rule.end(), [](const llama_grammar_element& e) {
      return e.type == LLAMA_GRETYPE_TOKEN || e.type == LLAMA_GRETYPE_TOKEN_NOT;
    });
  }
}

CompiledGrammar::~CompiledGrammar() = default;

std::int32_t CompiledGrammar::find(const std::u32string& position) {
  const auto [found, is_new] =
      numbers_.try_emplace(position, static_cast<std::int32_t>(states_.size()));
  if (!is_new) return found->second;
  auto state = std::make_unique<State>();
  state->after_ascii.fill(kUnknown);
  for (std::size_t at = 0; at < position.size();) {
    const std::size_t size = position[at++];
    llama_grammar_stack& stack = state->stacks.emplace_back();
    for (std::size_t i = 0; i < size; ++i) stack.push_back(elements_.at(position[at++]));
    state->may_end |= size == 0;
  }
  states_.push_back(std::move(state));
  constexpr std::size_t kNumberBytes = 36;  // in the key, in a stack, and that stack's share
  positions_bytes_ += sizeof(State) + position.size() * kNumberBytes;
  return found->second;
}

void CompiledGrammar::put(std::int32_t state) {
  llama_grammar_get_stacks(grammar_.get()) = states_[static_cast<std::size_t>(state)]->stacks;
  grammar_->partial_utf8 = {};
}

std::int32_t CompiledGrammar::after(std::int32_t state, std::uint32_t code_point) {
  State& from = *states_[static_cast<std::size_t>(state)];  // does not move when others are added
  std::int32_t& known = code_point < from.after_ascii.size()
                            ? from.after_ascii[code_point]
                            : from.after_others.try_emplace(code_point, kUnknown).first->second;
  if (known != kUnknown) return known;
  put(state);
  llama_grammar_accept(grammar_.get(), code_point);
  known = grammar_->stacks.empty() ? kDead : find(elements_.position(*grammar_));
  return known;
}

/// Within one walk nothing can be forgotten; one that goes so far over the bounds is given up.
bool CompiledGrammar::is_crowded() const {
  return states_.size() > 2 * kPositionsMax || positions_bytes_ > 2 * kPositionsBytesMax;
}

void CompiledGrammar::forget_if_full() {
  const bool full = states_.size() >= kPositionsMax || positions_bytes_ >= kPositionsBytesMax ||
                    masks_bytes_ >= kMasksBytesMax;
  if (!full) return;
  numbers_.clear();
  states_.clear();
  positions_bytes_ = masks_bytes_ = 0;
}

const TokenSet& CompiledGrammar::allowed(const std::u32string& position) {
  forget_if_full();
  const std::int32_t number = find(position);
  State& state = *states_[static_cast<std::size_t>(number)];
  if (state.mask) {
    ++hits_;
    return *state.mask;
  }
  ++misses_;
  state.mask = std::make_unique<TokenSet>(make_mask(number));
  masks_bytes_ += state.mask->bytes();
  return *state.mask;
}

TokenSet CompiledGrammar::make_mask(std::int32_t state) {
  TokenSet allowed(vocabulary_.size());
  if (states_[static_cast<std::size_t>(state)]->may_end) {
    for (const llama_token token : vocabulary_.ends()) allowed.insert(token);
  }
  walk(state, allowed);
  put(state);
  ask_llama(vocabulary_.odd(), allowed);
  return allowed;
}

/// All tokens of whole characters, in the order of their text: `path` holds the positions after
/// each character of the last one, as far as the grammar went along.
void CompiledGrammar::walk(std::int32_t from, TokenSet& allowed) {
  std::vector<llama_token> asked;
  std::vector<std::int32_t> path{from};
  for (const VocabularyIndex::Entry& entry : vocabulary_.entries()) {
    // Grammars that name tokens are llama.cpp's business, and so are those with a position for
    // every text: they would fill the memory within one walk.
    if (names_tokens_ || is_crowded()) {
      asked.push_back(entry.token);
      continue;
    }
    if (entry.shared >= path.size()) continue;  // the one before failed in what they share
    path.resize(entry.shared + 1);
    std::uint32_t done = entry.shared;
    while (done < entry.length) {
      const std::int32_t next = after(path.back(), vocabulary_.code_points()[entry.begin + done]);
      if (next == kDead) break;
      path.push_back(next);
      ++done;
    }
    if (done == entry.length) allowed.insert(entry.token);
  }
  put(from);
  ask_llama(asked, allowed);
}

void CompiledGrammar::ask_llama(std::span<const llama_token> tokens, TokenSet& allowed) const {
  if (tokens.empty()) return;
  std::vector<llama_token_data> data;
  for (const llama_token token : tokens) data.push_back({token, 0.0f, 0.0f});
  llama_token_data_array array{data.data(), data.size(), -1, false};
  llama_grammar_apply_impl(*grammar_, &array);
  for (const llama_token_data& item : data) {
    if (item.logit != -INFINITY) allowed.insert(item.id);
  }
}

CompiledGrammar::Forced CompiledGrammar::forced(const std::u32string& position) {
  forget_if_full();
  Forced forced;
  std::int32_t at = find(position);
  while (at != kDead) {
    const State& state = *states_[static_cast<std::size_t>(at)];
    const auto is_empty = [](const llama_grammar_stack& stack) { return stack.empty(); };
    forced.ends = std::all_of(state.stacks.begin(), state.stacks.end(), is_empty);
    if (state.may_end) return forced;
    const std::uint32_t character = only_character(state.stacks.front().back());
    const bool no_choice =
        character != 0 && std::all_of(state.stacks.begin(), state.stacks.end(),
                                      [&](const llama_grammar_stack& stack) {
                                        return only_character(stack.back()) == character;
                                      });
    if (!no_choice) return forced;
    forced.cut = forced.text.size() + 4 > kForcedBytesMax;
    if (forced.cut || !append_character(forced.text, character)) return forced;
    at = after(at, character);
  }
  return forced;
}

Result<std::shared_ptr<CompiledGrammar>> GrammarCache::find(const std::string& gbnf) {
  const auto found = std::find_if(grammars_.begin(), grammars_.end(),
                                  [&](const Item& item) { return item.gbnf == gbnf; });
  if (found != grammars_.end()) {
    grammars_.splice(grammars_.begin(), grammars_, found);
    return grammars_.front().grammar;
  }
  if (!index_) index_ = std::make_unique<VocabularyIndex>(vocab_);
  TRY(auto grammar, CompiledGrammar::make(*index_, gbnf));
  grammars_.push_front({gbnf, grammar});
  if (grammars_.size() > kGrammarsMax) {
    gone_hits_ += grammars_.back().grammar->hits();
    gone_misses_ += grammars_.back().grammar->misses();
    grammars_.pop_back();
  }
  return grammar;
}

std::uint64_t GrammarCache::hits() const {
  std::uint64_t sum = gone_hits_;
  for (const Item& item : grammars_) sum += item.grammar->hits();
  return sum;
}

std::uint64_t GrammarCache::misses() const {
  std::uint64_t sum = gone_misses_;
  for (const Item& item : grammars_) sum += item.grammar->misses();
  return sum;
}

}  // namespace hearth::engine
