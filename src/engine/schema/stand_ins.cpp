#include "engine/schema/stand_ins.h"

#include "base/fields.h"

namespace hearth::engine {
namespace {

std::string word(std::size_t number) { return "hearth-stands-in-" + std::to_string(number); }

/// As it stands in a grammar: a JSON string in a literal.
std::string literal(std::size_t number) { return gbnf_literal("\"" + word(number) + "\""); }

void replace_all(std::string& text, const std::string& from, const std::string& to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
}

}  // namespace

Result<void> StandIns::add(const std::string& json) {
  TRY(const Json schema, parse_json(json, "the schema"));
  const std::string prefix = "schema-" + std::to_string(made_.size()) + "-";
  TRY(auto made, schema_grammar(schema, prefix));
  made_.push_back(std::move(made));
  return ok();
}

std::string StandIns::schema(std::size_t number) const {
  return R"({"const":")" + word(number) + R"("})";
}

bool StandIns::stands_in(const std::string& gbnf, std::size_t number) const {
  return gbnf.find(literal(number)) != std::string::npos;
}

std::string StandIns::install(std::string gbnf) const {
  std::string rules;
  for (std::size_t i = 0; i < made_.size(); ++i) {
    if (!stands_in(gbnf, i)) continue;
    replace_all(gbnf, literal(i), made_[i].root);
    rules += made_[i].rules;
  }
  if (!gbnf.empty() && !gbnf.ends_with('\n')) gbnf += '\n';
  return gbnf + rules;
}

}  // namespace hearth::engine
