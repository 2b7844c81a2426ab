#include "engine/prompt/tool_grammar.h"

#include <nlohmann/json.hpp>
#include <set>

#include "chat-peg-parser.h"
#include "json-schema-to-grammar.h"

namespace hearth::engine {
namespace {

using Json = nlohmann::ordered_json;

/// llama-common's parser as it stores it: {"parsers": [...], "rules": {name: index}, "root":
/// index}.
class StoredParser {
 public:
  explicit StoredParser(const std::string& text) : json_(Json::parse(text, nullptr, false)) {}

  bool usable() const {
    return json_.is_object() && json_.contains("parsers") && json_["parsers"].is_array();
  }

  /// The names of the rules that begin a call and lie in no other such rule.
  std::set<std::string> outermost_triggers() const {
    std::set<std::string> names, inner;
    for (const Json& node : json_["parsers"]) {
      if (node.value("type", "") != "rule" || !node.value("trigger", false)) continue;
      names.insert(node.value("name", ""));
      std::set<std::size_t> seen;
      collect(node.value("child", kNone), seen, inner);
    }
    for (const std::string& name : inner) names.erase(name);
    return names;
  }

  /// True if the rule is nothing but one or more of something: its text ends in "+".
  bool repeats(const std::string& rule_name) const {
    for (const Json& node : json_["parsers"]) {
      if (node.value("type", "") != "rule" || node.value("name", "") != rule_name) continue;
      const Json* child = find(node.value("child", kNone));
      while (child && (child->value("type", "") == "tag" || child->value("type", "") == "atomic")) {
        child = find(child->value("child", kNone));
      }
      return child && child->value("type", "") == "repetition" &&
             child->value("max_count", 0) == -1;
    }
    return false;
  }

 private:
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

  const Json* find(std::size_t index) const {
    const Json& parsers = json_["parsers"];
    return index < parsers.size() ? &parsers[index] : nullptr;
  }

  /// Trigger rules at or below `start`. Iterative: the tree may be deep.
  void collect(std::size_t start, std::set<std::size_t>& seen,
               std::set<std::string>& triggers) const {
    std::vector<std::size_t> open{start};
    while (!open.empty()) {
      const std::size_t index = open.back();
      open.pop_back();
      const Json* node = find(index);
      if (!node || !seen.insert(index).second) continue;
      const std::string type = node->value("type", "");
      if (type == "rule" && node->value("trigger", false)) triggers.insert(node->value("name", ""));
      if (type == "ref" && json_["rules"].contains(node->value("name", ""))) {
        open.push_back(json_["rules"][node->value("name", "")].get<std::size_t>());
      }
      if (node->contains("child")) open.push_back((*node)["child"].get<std::size_t>());
      if (node->contains("children")) {
        for (const Json& child : (*node)["children"]) open.push_back(child.get<std::size_t>());
      }
    }
  }

  Json json_;
};

/// Replaces one rule's line ("name ::= …\n"). False if there is none.
bool edit_rule(std::string& grammar, const std::string& name,
               const std::function<std::string(std::string)>& edit) {
  const std::string head = name + " ::= ";
  std::size_t begin = grammar.starts_with(head) ? 0 : grammar.find("\n" + head);
  if (begin == std::string::npos) return false;
  if (begin != 0 || !grammar.starts_with(head)) ++begin;
  begin += head.size();
  const std::size_t end = std::min(grammar.find('\n', begin), grammar.size());
  grammar.replace(begin, end - begin, edit(grammar.substr(begin, end - begin)));
  return true;
}

void limit_to_one(std::string& grammar, const StoredParser& parser) {
  for (const std::string& name : parser.outermost_triggers()) {
    if (!parser.repeats(name)) continue;
    edit_rule(grammar, name, [](std::string body) {
      if (body.ends_with('+')) body.pop_back();
      return body;
    });
  }
}

constexpr const char* kInstructions =
    "You can call tools. To call one, answer with nothing but\n"
    "<tool_call>{\"name\": \"<tool>\", \"arguments\": {<arguments>}}</tool_call>\n"
    "The tools, each with the JSON Schema of its arguments:";

std::string describe(const std::vector<common_chat_tool>& tools) {
  std::string result = kInstructions;
  for (const common_chat_tool& tool : tools) {
    result += "\n" + tool.name + ": " + tool.description + "\n" + tool.parameters;
  }
  return result;
}

void say_calls_in_text(common_chat_msg& message) {
  for (const common_chat_tool_call& call : message.tool_calls) {
    if (!message.content.empty()) message.content += "\n";
    message.content += "<tool_call>{\"name\": \"" + call.name +
                       "\", \"arguments\": " + call.arguments + "}</tool_call>";
  }
  message.tool_calls.clear();
  if (message.role == "tool") {
    message.role = "user";
    message.content = "<tool_response>\n" + message.content + "\n</tool_response>";
    message.tool_call_id.clear();
    message.tool_name.clear();
  }
}

}  // namespace

Result<std::string> strict_call_grammar(const common_chat_params& required, bool parallel) {
  const StoredParser parser(required.parser);
  const std::set<std::string> triggers =
      parser.usable() ? parser.outermost_triggers() : std::set<std::string>{};
  std::string grammar = required.grammar;
  std::string root;
  for (const std::string& name : triggers) root += (root.empty() ? "" : " | ") + name;
  const bool found =
      !root.empty() && edit_rule(grammar, "root", [&](const std::string&) { return root; });
  if (!found) {
    return Error{Code::InvalidInput,
                 "tool_choice: this model's template cannot be made to call a tool", "tool_choice"};
  }
  if (!parallel) limit_to_one(grammar, parser);
  return grammar;
}

std::string one_call_grammar(const common_chat_params& lazy) {
  const StoredParser parser(lazy.parser);
  std::string grammar = lazy.grammar;
  if (parser.usable()) limit_to_one(grammar, parser);
  return grammar;
}

GenericTools make_generic_tools(const std::vector<common_chat_tool>& tools, bool parallel,
                                bool required, const std::string& generation_prompt) {
  GenericTools result;
  const common_json described = common_chat_tools_to_json_oaicompat(tools);
  result.parser = build_chat_peg_parser([&](common_chat_peg_builder& p) {
    auto call =
        p.standard_json_tools(GenericTools::kTrigger, "</tool_call>", described, false, true);
    auto calls = parallel ? p.trigger_rule("tool-calls", p.one_or_more(call + p.space())) : call;
    auto text = p.optional(p.content(p.until(GenericTools::kTrigger)));
    return p.prefix(generation_prompt) + text + (required ? calls : p.optional(calls)) + p.end();
  });
  result.grammar = build_grammar(
      [&](const common_grammar_builder& builder) { result.parser.build_grammar(builder, true); });
  return result;
}

void describe_tools_in_text(common_chat_templates_inputs& inputs) {
  if (!inputs.tools.empty()) {
    const std::string description = describe(inputs.tools);
    if (inputs.messages.empty() || inputs.messages.front().role != "system") {
      common_chat_msg system;
      system.role = "system";
      inputs.messages.insert(inputs.messages.begin(), std::move(system));
    }
    std::string& content = inputs.messages.front().content;
    content += (content.empty() ? "" : "\n\n") + description;
  }
  for (common_chat_msg& message : inputs.messages) say_calls_in_text(message);
  inputs.tools.clear();
}

}  // namespace hearth::engine
