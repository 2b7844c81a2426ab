#include "engine/schema/automaton.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace hearth::engine {
namespace {

using State = Automaton::State;
using Edge = Automaton::Edge;
constexpr std::uint32_t kGone = UINT32_MAX;
constexpr std::size_t kMergedStatesMax = 256;  // larger ones are left as they are: it takes squares

void add_edge(State& state, CharacterRange range, std::uint32_t to) {
  if (!state.edges.empty() && state.edges.back().to == to &&
      state.edges.back().range.last + 1 == range.first) {
    state.edges.back().range.last = range.last;
  } else {
    state.edges.push_back({range, to});
  }
}

/// Which states lead to one that accepts.
std::vector<bool> living(const Automaton& automaton) {
  std::vector<std::vector<std::uint32_t>> from(automaton.states.size());
  std::vector<std::uint32_t> open;
  std::vector<bool> lives(automaton.states.size());
  for (std::uint32_t i = 0; i < automaton.states.size(); ++i) {
    for (const Edge& edge : automaton.states[i].edges) from[edge.to].push_back(i);
    if (automaton.states[i].accepts) open.push_back(i);
  }
  while (!open.empty()) {
    const std::uint32_t state = open.back();
    open.pop_back();
    if (lives[state]) continue;
    lives[state] = true;
    open.insert(open.end(), from[state].begin(), from[state].end());
  }
  return lives;
}

/// Without edges into dead ends.
Automaton alive(Automaton automaton) {
  const std::vector<bool> lives = living(automaton);
  if (automaton.states.empty() || !lives[0]) return {};
  for (State& state : automaton.states)
    std::erase_if(state.edges, [&](const Edge& edge) { return !lives[edge.to]; });
  return automaton;
}

/// What a state does, in terms of the classes that states are in so far.
std::pair<bool, std::vector<Edge>> behaviour(const State& state,
                                             const std::vector<std::uint32_t>& class_of) {
  State merged;
  for (const Edge& edge : state.edges) add_edge(merged, edge.range, class_of[edge.to]);
  return {state.accepts, std::move(merged.edges)};
}

struct LessBehaviour {
  bool operator()(const std::pair<std::uint32_t, std::pair<bool, std::vector<Edge>>>& a,
                  const std::pair<std::uint32_t, std::pair<bool, std::vector<Edge>>>& b) const {
    if (a.first != b.first) return a.first < b.first;
    if (a.second.first != b.second.first) return a.second.first < b.second.first;
    const auto key = [](const Edge& edge) { return std::pair(edge.range, edge.to); };
    return std::lexicographical_compare(
        a.second.second.begin(), a.second.second.end(), b.second.second.begin(),
        b.second.second.end(), [&](const Edge& x, const Edge& y) { return key(x) < key(y); });
  }
};

/// Moore's algorithm: classes are split until all states of one behave alike.
std::vector<std::uint32_t> classes(const Automaton& automaton, Work& work) {
  std::vector<std::uint32_t> class_of(automaton.states.size(), 0);
  std::size_t count = 0;
  for (;;) {
    std::map<std::pair<std::uint32_t, std::pair<bool, std::vector<Edge>>>, std::uint32_t,
             LessBehaviour>
        numbers;
    std::vector<std::uint32_t> next(class_of.size());
    for (std::size_t i = 0; i < class_of.size(); ++i) {
      std::pair key(class_of[i], behaviour(automaton.states[i], class_of));
      work.spend(8 + automaton.states[i].edges.size());
      next[i] =
          numbers.emplace(std::move(key), static_cast<std::uint32_t>(numbers.size())).first->second;
    }
    class_of = std::move(next);
    if (numbers.size() == count) return class_of;
    count = numbers.size();
  }
}

/// What can be reached from the start, in the order in which it is found.
Automaton renumbered(const Automaton& automaton) {
  std::vector<std::uint32_t> number(automaton.states.size(), kGone), order;
  const auto find = [&](std::uint32_t state) {
    if (number[state] == kGone) {
      number[state] = static_cast<std::uint32_t>(order.size());
      order.push_back(state);
    }
    return number[state];
  };
  Automaton out;
  if (!automaton.states.empty()) find(0);
  for (std::size_t i = 0; i < order.size(); ++i) {
    const State& from = automaton.states[order[i]];
    State state{.accepts = from.accepts};
    for (const Edge& edge : from.edges) add_edge(state, edge.range, find(edge.to));
    out.states.push_back(std::move(state));
  }
  return out;
}

std::optional<CharacterRange> common_part(CharacterRange a, CharacterRange b) {
  const CharacterRange both{std::max(a.first, b.first), std::min(a.last, b.last)};
  return both.first <= both.last ? std::optional(both) : std::nullopt;
}

}  // namespace

std::vector<std::uint32_t> characters_of(std::string_view text) {
  std::vector<std::uint32_t> out;
  for (std::size_t at = 0; at < text.size();) {
    const auto first = static_cast<std::uint8_t>(text[at++]);
    const int more = first < 0xC0 ? 0 : first < 0xE0 ? 1 : first < 0xF0 ? 2 : 3;
    std::uint32_t character = more == 0 ? first : first & (0x3Fu >> more);
    for (int i = 0; i < more && at < text.size(); ++i)
      character = (character << 6) | (static_cast<std::uint8_t>(text[at++]) & 0x3Fu);
    out.push_back(character);
  }
  return out;
}

bool allows(const Automaton& automaton, std::string_view text) {
  if (automaton.states.empty()) return false;
  std::uint32_t at = 0;
  for (const std::uint32_t character : characters_of(text)) {
    const auto& edges = automaton.states[at].edges;
    const auto found = std::ranges::find_if(edges, [character](const Edge& edge) {
      return edge.range.first <= character && character <= edge.range.last;
    });
    if (found == edges.end()) return false;
    at = found->to;
  }
  return automaton.states[at].accepts;
}

Automaton simplified(const Automaton& automaton, Work& work) {
  Automaton live = renumbered(alive(automaton));
  if (live.states.size() > kMergedStatesMax || work.is_spent()) return live;
  const std::vector<std::uint32_t> class_of = classes(live, work);
  Automaton out;
  std::vector<bool> taken(live.states.size());
  out.states.resize(live.states.size());
  for (std::size_t i = 0; i < live.states.size(); ++i) {
    if (taken[class_of[i]]) continue;
    taken[class_of[i]] = true;
    auto [accepts, edges] = behaviour(live.states[i], class_of);
    out.states[class_of[i]] = {std::move(edges), accepts};
  }
  return renumbered(out);  // the start was first in `live`, so its class has the number 0
}

Automaton restricted(const Automaton& automaton, std::span<const CharacterRange> kept, Work& work) {
  Automaton out;
  for (const State& from : automaton.states) {
    work.spend(from.edges.size() * kept.size());
    State state{.accepts = from.accepts};
    for (const Edge& edge : from.edges) {
      for (const CharacterRange& range : kept)
        if (const auto both = common_part(edge.range, range)) add_edge(state, *both, edge.to);
    }
    out.states.push_back(std::move(state));
  }
  return simplified(out, work);
}

std::optional<Automaton> limited(const Automaton& automaton, Lengths lengths, Work& work) {
  if (automaton.states.empty()) return automaton;
  // Beyond `most` all counts are alike: there is no maximum.
  const std::size_t most = lengths.max.value_or(lengths.min);
  std::map<std::pair<std::uint32_t, std::size_t>, std::uint32_t> numbers{{{0, 0}, 0}};
  std::vector<std::pair<std::uint32_t, std::size_t>> open{{0, 0}};
  Automaton out;
  for (std::size_t i = 0; i < open.size(); ++i) {
    if (open.size() > Automaton::kStatesMax || work.is_spent()) return std::nullopt;
    const auto [from, count] = open[i];
    work.spend(8 + 8 * automaton.states[from].edges.size());
    State state{.accepts = automaton.states[from].accepts && count >= lengths.min};
    if (lengths.max && count == *lengths.max) {
      out.states.push_back(std::move(state));
      continue;
    }
    for (const Edge& edge : automaton.states[from].edges) {
      const std::pair next(edge.to, std::min(count + 1, most));
      const auto [found, is_new] =
          numbers.try_emplace(next, static_cast<std::uint32_t>(open.size()));
      if (is_new) open.push_back(next);
      state.edges.push_back({edge.range, found->second});
    }
    out.states.push_back(std::move(state));
  }
  return simplified(out, work);
}

std::optional<Automaton> intersected(const Automaton& a, const Automaton& b, Work& work) {
  if (a.states.empty() || b.states.empty()) return Automaton{};
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t> numbers{{{0, 0}, 0}};
  std::vector<std::pair<std::uint32_t, std::uint32_t>> open{{0, 0}};
  Automaton out;
  for (std::size_t i = 0; i < open.size(); ++i) {
    if (open.size() > Automaton::kStatesMax || work.is_spent()) return std::nullopt;
    const State &left = a.states[open[i].first], &right = b.states[open[i].second];
    State state{.accepts = left.accepts && right.accepts};
    work.spend(8 + left.edges.size() * right.edges.size());
    for (const Edge& x : left.edges) {
      for (const Edge& y : right.edges) {
        const auto both = common_part(x.range, y.range);
        if (!both) continue;
        const std::pair next(x.to, y.to);
        const auto [found, is_new] =
            numbers.try_emplace(next, static_cast<std::uint32_t>(open.size()));
        if (is_new) open.push_back(next);
        state.edges.push_back({*both, found->second});
      }
    }
    out.states.push_back(std::move(state));
  }
  return simplified(out, work);
}

Automaton any_text() {
  Automaton out;
  out.states.push_back({{{{0, kCharacterLast}, 0}}, true});
  return out;
}

Automaton any_but(std::span<const std::string_view> texts, Work& work) {
  constexpr std::uint32_t kFree = 1;  // no longer the beginning of one of them
  Automaton out;
  out.states.resize(2);
  out.states[kFree] = {{{{0, kCharacterLast}, kFree}}, true};
  std::vector<std::map<std::uint32_t, std::uint32_t>> next(2);
  std::set<std::uint32_t> whole;
  for (const std::string_view text : texts) {
    std::uint32_t at = 0;
    work.spend(8 * text.size());
    for (const std::uint32_t character : characters_of(text)) {
      const auto [found, is_new] =
          next[at].try_emplace(character, static_cast<std::uint32_t>(next.size()));
      at = found->second;
      if (is_new) next.emplace_back();
    }
    whole.insert(at);
  }
  out.states.resize(next.size());
  for (std::uint32_t i = 0; i < next.size(); ++i) {
    if (i == kFree) continue;
    State& state = out.states[i];
    state.accepts = !whole.contains(i);
    std::uint32_t from = 0;
    for (const auto& [character, to] : next[i]) {
      if (from < character) add_edge(state, {from, character - 1}, kFree);
      add_edge(state, {character, character}, to);
      from = character + 1;
    }
    if (from <= kCharacterLast) add_edge(state, {from, kCharacterLast}, kFree);
  }
  return simplified(out, work);
}

}  // namespace hearth::engine
