#include "engine/prompt/grammar_check.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <vector>

namespace hearth::engine {
namespace {

constexpr std::uint64_t kRepeatMax = 2'000;  // MAX_REPETITION_THRESHOLD of llama-grammar.cpp
constexpr std::uint64_t kNoMaximum = UINT64_MAX;

/// One symbol of a rule with its repetition: characters, a reference or a group.
struct Item {
  std::size_t elements = 1;   // of llama.cpp's rule, without repetition
  int rule = -1;              // index of the rule it refers to; -1: characters
  bool may_be_empty = false;  // by its repetition, or as the literal ""
  std::uint64_t copies = 1;   // after its repetition is written out
};
using Sequence = std::vector<Item>;
struct Rule {
  std::string name;
  bool defined = false;
  std::vector<Sequence> alternates{};
};

Error wrong(const std::string& problem) { return {Code::InvalidInput, "the grammar " + problem}; }

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
}

/// Reads GBNF into rules, groups becoming rules of their own, as llama.cpp does.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  Result<std::vector<Rule>> read() {
    skip_space(true);
    while (!done()) {
      TRY_VOID(read_rule());
      skip_space(true);
    }
    return std::move(rules_);
  }

 private:
  bool done() const { return at_ >= text_.size(); }
  char peek() const { return done() ? '\0' : text_[at_]; }

  void skip_space(bool newlines) {
    while (!done()) {
      const char c = peek();
      if (c == '#') {
        while (!done() && peek() != '\n' && peek() != '\r') ++at_;
      } else if (c == ' ' || c == '\t' || (newlines && (c == '\n' || c == '\r'))) {
        ++at_;
      } else {
        return;
      }
    }
  }

  int rule_named(const std::string& name) {
    const auto [found, is_new] = by_name_.emplace(name, static_cast<int>(rules_.size()));
    if (is_new) rules_.push_back({name});
    return found->second;
  }

  Result<std::string> read_name() {
    const std::size_t begin = at_;
    while (!done() && is_word(peek())) ++at_;
    if (begin == at_) return wrong("has no rule name at byte " + std::to_string(begin));
    return std::string(text_.substr(begin, at_ - begin));
  }

  Result<void> read_rule() {
    TRY(const std::string name, read_name());
    const int rule = rule_named(name);
    skip_space(false);
    if (text_.substr(at_, 3) != "::=")
      return wrong("lacks ::= after \"" + name.substr(0, 64) + "\"");
    at_ += 3;
    skip_space(true);
    TRY(auto alternates, read_alternates(0));
    rules_[static_cast<std::size_t>(rule)].defined = true;
    rules_[static_cast<std::size_t>(rule)].alternates = std::move(alternates);
    if (!done() && peek() != '\n' && peek() != '\r') {
      return wrong("has an unexpected character at byte " + std::to_string(at_));
    }
    return ok();
  }

  Result<std::vector<Sequence>> read_alternates(int depth) {
    if (depth > kGrammarDepthMax) return wrong("nests groups deeper than 256");
    std::vector<Sequence> result;
    while (true) {
      TRY(auto sequence, read_sequence(depth));
      result.push_back(std::move(sequence));
      if (peek() != '|') return result;
      ++at_;
      skip_space(true);
    }
  }

  Result<Sequence> read_sequence(int depth) {
    Sequence result;
    while (!done()) {
      const char c = peek();
      if (std::string_view("*+?{").find(c) != std::string_view::npos) {
        if (result.empty()) return wrong("repeats nothing at byte " + std::to_string(at_));
        TRY_VOID(read_repetition(result.back()));
      } else if (c == '"' || c == '[') {
        TRY(auto item, read_characters(c == '"' ? '"' : ']'));
        result.push_back(item);
      } else if (c == '<' || c == '!') {
        TRY(auto item, read_token());
        result.push_back(item);
      } else if (c == '.') {
        ++at_;
        result.push_back({});
      } else if (c == '(') {
        TRY(auto item, read_group(depth));
        result.push_back(item);
      } else if (is_word(c)) {
        TRY(const std::string name, read_name());
        result.push_back({.rule = rule_named(name)});
      } else {
        break;
      }
      skip_space(depth > 0);
    }
    return result;
  }

  Result<Item> read_characters(char end) {
    const std::size_t begin = at_++;
    while (!done() && peek() != end) at_ += peek() == '\\' ? 2 : 1;
    if (done()) return wrong("does not end what begins at byte " + std::to_string(begin));
    const std::size_t inside = at_ - begin - 1 - (text_.substr(begin, 2) == "[^" ? 1 : 0);
    ++at_;
    return Item{.elements = std::max<std::size_t>(inside, 1), .may_be_empty = inside == 0};
  }

  Result<Item> read_token() {
    const std::size_t begin = at_;
    if (peek() == '!') ++at_;
    while (!done() && peek() != '>') ++at_;
    if (done()) return wrong("does not end the token at byte " + std::to_string(begin));
    ++at_;
    return Item{};
  }

  Result<Item> read_group(int depth) {
    ++at_;
    skip_space(true);
    // The name holds a character that no rule may have, so it cannot be referred to.
    std::string name = "(";
    name += std::to_string(rules_.size());
    const int rule = rule_named(name);
    TRY(auto alternates, read_alternates(depth + 1));
    if (peek() != ')') return wrong("lacks a ) at byte " + std::to_string(at_));
    ++at_;
    rules_[static_cast<std::size_t>(rule)].defined = true;
    rules_[static_cast<std::size_t>(rule)].alternates = std::move(alternates);
    return Item{.rule = rule};
  }

  Result<std::uint64_t> read_count() {
    std::uint64_t count = 0;
    const std::size_t begin = at_;
    while (!done() && peek() >= '0' && peek() <= '9' && at_ - begin < 18) {
      count = count * 10 + static_cast<std::uint64_t>(text_[at_++] - '0');
    }
    if (begin == at_) return wrong("lacks a number at byte " + std::to_string(at_));
    return count;
  }

  Result<void> read_repetition(Item& item) {
    const char c = text_[at_++];
    if (c == '*') return repeat(item, 0, kNoMaximum);
    if (c == '+') return repeat(item, 1, kNoMaximum);
    if (c == '?') return repeat(item, 0, 1);
    skip_space(true);
    TRY(const std::uint64_t least, read_count());
    skip_space(true);
    std::uint64_t most = least;
    if (peek() == ',') {
      ++at_;
      skip_space(true);
      most = kNoMaximum;
      if (peek() >= '0' && peek() <= '9') {
        TRY(most, read_count());
        skip_space(true);
      }
    }
    if (peek() != '}') return wrong("lacks a } at byte " + std::to_string(at_));
    ++at_;
    return repeat(item, least, most);
  }

  Result<void> repeat(Item& item, std::uint64_t least, std::uint64_t most) {
    if (most < least)
      return wrong("repeats at most less often than at least, before byte " + std::to_string(at_));
    if (least > kRepeatMax)
      return wrong("repeats more than 2000 times before byte " + std::to_string(at_));
    if (most > kRepeatMax) most = kNoMaximum;
    item.copies *= std::max<std::uint64_t>(most == kNoMaximum ? least + 1 : most, 1);
    if (item.copies > kRepeatMax + 1)
      return wrong("repeats a repetition too often before byte " + std::to_string(at_));
    item.may_be_empty = item.may_be_empty || least == 0;
    return ok();
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::vector<Rule> rules_{};
  std::map<std::string, int> by_name_{};
};

/// Follows the rules from their left ends, where llama.cpp's parser and its stacks grow.
class LeftEnds {
 public:
  explicit LeftEnds(const std::vector<Rule>& rules) : rules_(rules), seen_(rules.size()) {}

  struct Seen {
    enum class State { New, Open, Done } state = State::New;
    bool may_be_empty = false;
    std::size_t paths = 0;  // ways to reach the first character
    int chain = 0;          // longest chain of rules that begin with one another
  };

  Result<Seen> visit(int index, int depth) {
    Seen& seen = seen_[static_cast<std::size_t>(index)];
    if (seen.state == Seen::State::Done) return seen;
    const Rule& rule = rules_[static_cast<std::size_t>(index)];
    if (seen.state == Seen::State::Open) return wrong("is left-recursive" + in(rule));
    if (!rule.defined) return wrong("has no rule \"" + rule.name.substr(0, 64) + "\"");
    if (depth > kGrammarChainMax) return wrong("has too long a chain of rules" + in(rule));
    seen.state = Seen::State::Open;
    Seen found{.state = Seen::State::Done};
    for (const Sequence& sequence : rule.alternates) {
      TRY_VOID(follow(sequence, depth, found));
      if (found.paths > kGrammarPathsMax) return wrong("has too many ways to begin" + in(rule));
    }
    if (found.chain > kGrammarChainMax) return wrong("has too long a chain of rules" + in(rule));
    seen_[static_cast<std::size_t>(index)] = found;
    return found;
  }

 private:
  static std::string in(const Rule& rule) {
    std::string place;
    if (!rule.name.starts_with("(")) {
      place.append(" in rule \"").append(rule.name, 0, 64).append("\"");
    }
    return place;
  }

  Result<void> follow(const Sequence& sequence, int depth, Seen& found) {
    bool empty = true;
    for (const Item& item : sequence) {
      if (!empty) break;
      if (item.rule < 0) {
        found.paths += 1;
        empty = item.may_be_empty;
        continue;
      }
      TRY(const Seen inner, visit(item.rule, depth + 1));
      // Copies of what may be empty are all beginnings.
      const std::size_t copies = inner.may_be_empty ? item.copies : 1;
      found.paths += std::max<std::size_t>(inner.paths, 1) * copies;
      found.chain = std::max(found.chain, inner.chain + static_cast<int>(copies));
      empty = item.may_be_empty || inner.may_be_empty;
    }
    found.may_be_empty = found.may_be_empty || empty;
    return ok();
  }

  const std::vector<Rule>& rules_;
  std::vector<Seen> seen_;
};

std::size_t total_elements(const std::vector<Rule>& rules) {
  std::size_t total = 0;
  for (const Rule& rule : rules) {
    for (const Sequence& sequence : rule.alternates) {
      for (const Item& item : sequence) total += item.copies * (item.elements + 3);
    }
  }
  return total;
}

}  // namespace

Result<void> check_grammar_text(std::string_view gbnf) {
  if (gbnf.size() > kGrammarTextBytesMax)
    return Error{Code::TooLarge, "the grammar is above 4 MiB"};
  if (gbnf.find('\0') != std::string_view::npos) return wrong("holds a zero byte");
  TRY(const std::vector<Rule> rules, Reader(gbnf).read());
  const auto is_root = [](const Rule& rule) { return rule.name == "root" && rule.defined; };
  if (std::none_of(rules.begin(), rules.end(), is_root)) return wrong("has no rule \"root\"");
  if (total_elements(rules) > kGrammarElementsMax) {
    return Error{Code::TooLarge, "the grammar is too large once its repetitions are written out"};
  }
  LeftEnds ends(rules);
  for (std::size_t i = 0; i < rules.size(); ++i) {
    TRY_VOID(ends.visit(static_cast<int>(i), 0));
  }
  return ok();
}

}  // namespace hearth::engine
