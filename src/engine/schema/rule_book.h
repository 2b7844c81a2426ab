#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/schema/automaton.h"

namespace hearth::engine {

/// The rules of a grammar while they are made: GBNF text, each under a name that begins alike.
/// White space is the rule `space`, as in llama-common's grammars (see json_spacing.h). A value.
class RuleBook {
 public:
  /// How deep a value of any kind may nest: what a model writes ends.
  static constexpr int kAnyDepthMax = 16;

  explicit RuleBook(std::string prefix) : prefix_(std::move(prefix)) {}

  /// A rule for this right side; the same one for the same text.
  std::string define(const std::string& body);
  /// A name for a rule whose right side comes later.
  std::string reserve();
  void set(const std::string& name, std::string body);

  // Each gives the name of a rule.
  std::string character();  // of a JSON string, maybe escaped; never half of a pair
  std::string text() { return define("\"\\\"\" " + character() + "* \"\\\"\""); }
  std::string number();
  std::string whole_number();
  std::string any_value() { return any_value(kAnyDepthMax); }
  std::string any_object() { return any_object(kAnyDepthMax); }
  std::string any_array() { return any_array(kAnyDepthMax); }
  /// A JSON string with the texts of `automaton`, which must allow something.
  std::string text_of(const Automaton& automaton);
  /// The texts of `automaton` as they are: digits.
  std::string bare(const Automaton& automaton) { return rules_of(automaton, ""); }

  /// All rules, one a line.
  std::string rules() const;
  std::size_t size() const { return rules_.size(); }
  std::size_t size_bytes() const { return size_bytes_; }

 private:
  std::string any_value(int depth);
  std::string any_object(int depth);
  std::string any_array(int depth);
  std::string rules_of(const Automaton& automaton, const std::string& end);

  std::string prefix_;
  std::size_t next_ = 0, size_bytes_ = 0;
  std::map<std::string, std::string> rules_{};              // by name
  std::map<std::string, std::string> by_body_{};            // names
  std::array<std::string, kAnyDepthMax + 1> any_values_{};  // names, by depth; empty: not made yet
};

/// `text` as a literal of GBNF.
std::string gbnf_literal(std::string_view text);
/// Without what JSON strings cannot hold as it is or behind one backslash.
Automaton writable(const Automaton& automaton, Work& work);

}  // namespace hearth::engine
