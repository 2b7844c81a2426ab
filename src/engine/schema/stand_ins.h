#pragma once
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/schema/schema_rules.h"

namespace hearth::engine {

/// llama-common makes the grammar of an answer around the grammars of schemas, which are looser
/// than the schemas: no ranges of numbers, patterns that break JSON, halves of characters. It gets
/// schemas that allow one text each that nobody says, and where that text stands in its grammar,
/// the rules made here are put. A value.
class StandIns {
 public:
  /// `json` is a schema. Errors: those of schema_grammar().
  Result<void> add(const std::string& json);

  /// The schema to give to llama-common instead of the number-th; valid JSON.
  std::string schema(std::size_t number) const;
  std::size_t size() const { return made_.size(); }

  /// `gbnf` with the rules in place. Stand-ins that are not in it stay out: a template that writes
  /// arguments in no JSON has no place for them.
  std::string install(std::string gbnf) const;
  /// True if install() would find the number-th.
  bool stands_in(const std::string& gbnf, std::size_t number) const;

  /// What the rules do not keep.
  const std::vector<std::string>& loosened(std::size_t number) const {
    return made_[number].loosened;
  }

 private:
  std::vector<SchemaGrammar> made_{};
};

}  // namespace hearth::engine
