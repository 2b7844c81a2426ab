#include "engine/schema/text_pattern.h"

#include <algorithm>
#include <map>
#include <set>

#include "engine/schema/pattern_syntax.h"

namespace hearth::engine {
namespace {

using Set = std::vector<std::uint32_t>;       // of nodes, sorted
constexpr std::size_t kWorkMax = 20'000'000;  // nodes looked at: some 100 ms

/// Thompson's construction and the subsets of its nodes. A text is taken as soon as the expression
/// was found in it.
class Machine {
 public:
  /// `work` outlives it.
  explicit Machine(Work& work) : all_work_(work) {}
  /// False: it would be too large.
  bool build(const Piece& pattern) {
    accept_ = add({.kind = Kind::Accept});
    const std::uint32_t found = build(pattern, accept_);
    start_ = add({.kind = Kind::Fork});
    const std::uint32_t skip =
        add({.kind = Kind::Eat, .next = {start_}, .characters = {{0, kCharacterLast}}});
    nodes_[start_].next = {skip, found};
    return nodes_.size() <= kPatternNodesMax;
  }

  std::optional<Automaton> determine() {
    Automaton out;
    find(spread({start_}, At::Begin), At::Begin);
    for (std::size_t i = 0; i < subsets_.size(); ++i) {
      if (subsets_.size() > Automaton::kStatesMax || work_ > kWorkMax) return std::nullopt;
      if (all_work_.is_spent()) return std::nullopt;
      const auto [set, at] = subsets_[i];
      Automaton::State state{.accepts = accepts(set, at)};
      if (contains(set, accept_)) {
        state.edges = {{{0, kCharacterLast}, static_cast<std::uint32_t>(i)}};
      } else {
        step(set, state);
      }
      out.states.push_back(std::move(state));
    }
    return simplified(out, all_work_);
  }

 private:
  enum class Kind : std::uint8_t { Eat, Fork, Begin, End, Accept };
  enum class At : std::uint8_t { Begin, Later };
  struct Node {
    Kind kind = Kind::Fork;
    std::vector<std::uint32_t> next{};
    std::vector<CharacterRange> characters{};
  };

  std::uint32_t add(Node node) {
    // Beyond the bound nothing is kept: the expression will be given up.
    if (nodes_.size() <= kPatternNodesMax) nodes_.push_back(std::move(node));
    return static_cast<std::uint32_t>(nodes_.size() - 1);
  }
  bool is_full() const { return nodes_.size() > kPatternNodesMax; }

  /// The node where `piece` begins, if `next` follows it.
  std::uint32_t build(const Piece& piece, std::uint32_t next) {
    if (is_full()) return next;
    switch (piece.kind) {
      case Piece::Kind::Characters:
        return add({.kind = Kind::Eat, .next = {next}, .characters = piece.characters});
      case Piece::Kind::Begin: return add({.kind = Kind::Begin, .next = {next}});
      case Piece::Kind::End: return add({.kind = Kind::End, .next = {next}});
      case Piece::Kind::Repeat: return build_repeat(piece, next);
      case Piece::Kind::Choice: {
        Node fork;
        for (const Piece& part : piece.parts) fork.next.push_back(build(part, next));
        return add(std::move(fork));
      }
      case Piece::Kind::Sequence: break;
    }
    for (auto part = piece.parts.rbegin(); part != piece.parts.rend(); ++part)
      next = build(*part, next);
    return next;
  }

  std::uint32_t build_repeat(const Piece& piece, std::uint32_t next) {
    const Piece& what = piece.parts.front();
    std::uint32_t tail = next;
    if (!piece.most) {
      tail = add({.kind = Kind::Fork});
      const std::uint32_t again = build(what, tail);
      nodes_[tail].next = {again, next};
    }
    for (std::size_t i = piece.least; i < piece.most.value_or(0) && !is_full(); ++i)
      tail = add({.kind = Kind::Fork, .next = {build(what, tail), next}});
    for (std::size_t i = 0; i < piece.least && !is_full(); ++i) tail = build(what, tail);
    return tail;
  }

  /// All nodes that are reached without a character.
  Set spread(const Set& from, At at, bool is_end = false) const {
    std::set<std::uint32_t> seen;
    Set open = from;
    while (!open.empty()) {
      const std::uint32_t index = open.back();
      open.pop_back();
      if (!seen.insert(index).second) continue;
      const Node& node = nodes_[index];
      const bool passes = node.kind == Kind::Fork ||
                          (node.kind == Kind::Begin && at == At::Begin) ||
                          (node.kind == Kind::End && is_end);
      if (passes) open.insert(open.end(), node.next.begin(), node.next.end());
    }
    all_work_.spend(4 * seen.size());  // of a tree
    return {seen.begin(), seen.end()};
  }

  static bool contains(const Set& set, std::uint32_t node) {
    return std::binary_search(set.begin(), set.end(), node);
  }
  bool accepts(const Set& set, At at) const { return contains(spread(set, at, true), accept_); }

  std::uint32_t find(Set set, At at) {
    if (contains(set, accept_)) set = {accept_};  // found is found
    const auto [known, is_new] =
        numbers_.try_emplace({set, at}, static_cast<std::uint32_t>(subsets_.size()));
    if (is_new) subsets_.emplace_back(std::move(set), at);
    return known->second;
  }

  /// Cuts the characters where any node's ranges begin or end.
  void step(const Set& set, Automaton::State& state) {
    std::set<std::uint32_t> cuts;
    for (const std::uint32_t index : set) {
      for (const CharacterRange& range : nodes_[index].characters) {
        cuts.insert(range.first);
        cuts.insert(range.last + 1);
      }
    }
    for (auto cut = cuts.begin(); cut != cuts.end() && std::next(cut) != cuts.end(); ++cut) {
      work_ += set.size();
      all_work_.spend(set.size());
      if (work_ > kWorkMax) return;
      const Set next = eaten(set, *cut);
      if (next.empty()) continue;
      state.edges.push_back(
          {{*cut, *std::next(cut) - 1}, find(spread(next, At::Later), At::Later)});
    }
  }

  Set eaten(const Set& set, std::uint32_t character) const {
    Set out;
    for (const std::uint32_t index : set) {
      const Node& node = nodes_[index];
      const bool eats = std::ranges::any_of(node.characters, [character](const auto& range) {
        return range.first <= character && character <= range.last;
      });
      if (eats) out.push_back(node.next.front());
    }
    return out;
  }

  Work& all_work_;  // of the schema; work_ is this pattern's
  std::vector<Node> nodes_{};
  std::uint32_t accept_ = 0, start_ = 0;
  std::size_t work_ = 0;
  std::map<std::pair<Set, At>, std::uint32_t> numbers_{};
  std::vector<std::pair<Set, At>> subsets_{};
};

}  // namespace

Result<std::optional<Automaton>> read_pattern(std::string_view pattern, Work& work) {
  work.spend(100 + pattern.size());
  TRY(const auto parsed, parse_pattern(pattern));
  if (!parsed) return std::optional<Automaton>();
  Machine machine(work);
  if (!machine.build(*parsed)) return std::optional<Automaton>();
  return machine.determine();
}

}  // namespace hearth::engine
