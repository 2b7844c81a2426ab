#include "engine/schema/rule_book.h"

#include <algorithm>
#include <cctype>
#include <cstdio>

namespace hearth::engine {
namespace {

constexpr CharacterRange kWritable[] = {
    {'\b', '\n'}, {'\f', '\r'}, {' ', 0x7E}, {0x80, 0xD7FF}, {0xE000, kCharacterLast}};
constexpr CharacterRange kUnescaped[] = {
    {' ', '!'}, {'#', '['}, {']', 0x7E}, {0x80, 0xD7FF}, {0xE000, kCharacterLast}};

std::string class_character(std::uint32_t character) {
  if (character < 0x80 && std::isalnum(static_cast<int>(character)) != 0)
    return {static_cast<char>(character)};
  char text[16];
  const char* const format = character <= 0xFF     ? "\\x%02X"
                             : character <= 0xFFFF ? "\\u%04X"
                                                   : "\\U%08X";
  std::snprintf(text, sizeof(text), format, character);
  return text;
}

/// What a character class of GBNF has between its brackets.
std::string class_part(CharacterRange range) {
  std::string text = class_character(range.first);
  if (range.first == range.last) return text;
  return text + "-" + class_character(range.last);
}

/// Characters of a JSON string behind a backslash; 0: none.
char escape_of(std::uint32_t character) {
  switch (character) {
    case '"': return '"';
    case '\\': return '\\';
    case '\b': return 'b';
    case '\f': return 'f';
    case '\n': return 'n';
    case '\r': return 'r';
    case '\t': return 't';
    default: return 0;
  }
}

/// What leads from one state to another, by where it leads.
struct Ways {
  std::string characters{};  // inside of a class
  std::string escapes{};     // letters behind a backslash, inside of a class
};

void add_way(Ways& ways, CharacterRange range, bool is_json) {
  if (!is_json) {
    ways.characters += class_part(range);
    return;
  }
  for (const CharacterRange& plain : kUnescaped) {
    const CharacterRange both{std::max(plain.first, range.first), std::min(plain.last, range.last)};
    if (both.first <= both.last) ways.characters += class_part(both);
  }
  for (const char c : {'"', '\\', '\b', '\f', '\n', '\r', '\t'}) {
    const auto character = static_cast<std::uint32_t>(c);
    if (range.first <= character && character <= range.last)
      ways.escapes += class_character(static_cast<std::uint32_t>(escape_of(character)));
  }
}

void add_alternative(std::string& body, const std::string& alternative) {
  body += (body.empty() ? "" : " | ") + alternative;
}

}  // namespace

std::string gbnf_literal(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < ' ' || c == 0x7F) {
      out += class_character(static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out + "\"";
}

Automaton writable(const Automaton& automaton, Work& work) {
  return restricted(automaton, kWritable, work);
}

std::string RuleBook::define(const std::string& body) {
  const auto [known, is_new] = by_body_.try_emplace(body);
  if (is_new) {
    known->second = reserve();
    set(known->second, body);
  }
  return known->second;
}

void RuleBook::set(const std::string& name, std::string body) {
  size_bytes_ += body.size();
  rules_[name] = std::move(body);
}

std::string RuleBook::reserve() { return prefix_ + std::to_string(next_++); }

std::string RuleBook::character() {
  const std::string hex = "[0-9a-fA-F]";
  const std::string single = "[0-9a-cefA-CEF] " + hex + "{3} | [dD] [0-7] " + hex + "{2}";
  const std::string pair = "[dD] [89abAB] " + hex + R"({2} "\\u" [dD] [c-fC-F] )" + hex + "{2}";
  return define(R"([^"\\\x7F\x00-\x1F\uD800-\uDFFF] | "\\" (["\\bfnrt] | "u" ()" + single + " | " +
                pair + "))");
}

std::string RuleBook::whole_number() { return define(R"("0" | "-"? [1-9] [0-9]{0,14})"); }

std::string RuleBook::number() {
  return define(R"("-"? ("0" | [1-9] [0-9]{0,14}) ("." [0-9]{1,15})? ([eE] [-+]? [0-9]{1,2})?)");
}

std::string RuleBook::any_value(int depth) {
  std::string& known = any_values_[static_cast<std::size_t>(depth)];
  if (!known.empty()) return known;  // members and items both ask: else 2^depth times
  std::string body = text() + " | " + number() + R"( | "true" | "false" | "null")";
  if (depth > 0) body = any_object(depth) + " | " + any_array(depth) + " | " + body;
  known = define(body);
  return known;
}

std::string RuleBook::any_object(int depth) {
  const std::string member = define(text() + R"( ":" space )" + any_value(depth - 1));
  return define(R"("{" space ()" + member + R"( ("," space )" + member + R"()*)? space "}")");
}

std::string RuleBook::any_array(int depth) {
  const std::string value = any_value(depth - 1);
  return define(R"("[" space ()" + value + R"( ("," space )" + value + R"()*)? space "]")");
}

std::string RuleBook::text_of(const Automaton& automaton) {
  return define(R"("\"" )" + rules_of(automaton, R"("\"")"));
}

/// A rule for each state: what may come, then the rule of where it leads. `end` stands where a text
/// may end; empty: digits, which nothing closes.
std::string RuleBook::rules_of(const Automaton& automaton, const std::string& end) {
  const bool is_json = !end.empty();
  std::vector<std::string> names;
  for (std::size_t i = 0; i < automaton.states.size(); ++i) names.push_back(reserve());
  for (std::size_t i = 0; i < automaton.states.size(); ++i) {
    const Automaton::State& state = automaton.states[i];
    std::map<std::uint32_t, Ways> ways;
    for (const auto& edge : state.edges) add_way(ways[edge.to], edge.range, is_json);
    std::string body;
    for (const auto& [to, way] : ways) {
      const bool goes_on = is_json || !automaton.states[to].edges.empty();
      const std::string rest = goes_on ? " " + names[to] : "";
      if (!way.characters.empty()) add_alternative(body, "[" + way.characters + "]" + rest);
      if (!way.escapes.empty()) add_alternative(body, "\"\\\\\" [" + way.escapes + "]" + rest);
    }
    if (state.accepts) add_alternative(body, is_json ? end : "\"\"");
    set(names[i], body);
  }
  return names.front();
}

std::string RuleBook::rules() const {
  std::string out;
  for (const auto& [name, body] : rules_) out += name + " ::= " + body + "\n";
  return out;
}

}  // namespace hearth::engine
