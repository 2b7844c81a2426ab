#include "cli/workspace/tools_text.h"

#include <algorithm>

#include "cli/ask/answer_fields.h"
#include "cli/terminal/table.h"
#include "cli/terminal/visible.h"

namespace hearth::cli {
namespace {

using json = nlohmann::ordered_json;

bool flag_in(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_boolean() && found->get<bool>();
}

std::string what_happens(const ToolsFacts::Tool& tool) {
  std::string out = tool.decision == "allow" ? "allowed"
                    : tool.decision == "ask" ? "asks"
                                             : "denied";
  if (tool.has_rules) out += ", by rules";
  return out;
}

std::string folders_text(const std::vector<std::string>& folders) {
  std::string out;
  for (const std::string& folder : folders) out += (out.empty() ? "" : ", ") + visible(folder);
  return out;
}

/// "." of a folder is written with a slash behind it.
std::string trimmed(std::string folder) {
  while (folder.size() > 1 && folder.back() == '/') folder.pop_back();
  return folder;
}

bool is_open(const ToolsFacts& facts, const std::string& folder) {
  return std::ranges::any_of(facts.workspace, [&folder](const std::string& one) {
    return trimmed(one) == trimmed(folder);
  });
}

}  // namespace

Result<ToolsFacts> tools_of(const Call& call, const DaemonClient& client) {
  TRY(const json got, client.send(call, "GET", "/v1/tools"));
  const Error strange{Code::Unavailable, "the daemon's tools cannot be understood"};
  if (!got.is_object() || !got.contains("data") || !got["data"].is_array()) return strange;
  ToolsFacts facts{.plan_mode = flag_in(got, "plan_mode")};
  for (const json& one : got["data"]) {
    if (!one.is_object()) return strange;
    facts.tools.push_back({text_in(one, "name"), text_in(one, "description"),
                           text_in(one, "decision"), flag_in(one, "has_rules")});
  }
  for (const json& folder : got.value("workspace", json::array()))
    if (folder.is_string()) facts.workspace.push_back(folder.get<std::string>());
  return facts;
}

bool is_as_asked(const ToolsFacts& facts, const Opening& opening) {
  if (!opening.is_asked) return true;
  return opening.here.empty() ? facts.workspace.empty() : is_open(facts, opening.here);
}

bool lacks_tools(const ToolsFacts& facts, const Opening& opening) {
  const bool wants_none = opening.is_asked && opening.here.empty();
  return facts.workspace.empty() && !wants_none;
}

std::string tools_sentence(const ToolsFacts& facts, const Opening& opening) {
  const bool wants_another = !opening.here.empty() && !is_open(facts, opening.here);
  const std::string remedy = "`hearth stop` lets it begin in " + visible(opening.here);
  if (facts.workspace.empty() && !opening.problem.empty())
    return "No tools: " + opening.problem + ".";
  if (facts.workspace.empty())
    return wants_another
               ? "No tools: the running daemon was started without a folder; " + remedy + "."
               : "No tools: no folder is open to them.";
  std::string out = "Tools work in " + folders_text(facts.workspace);
  out += facts.plan_mode ? " in plan mode: they change nothing" : " and ask before they change it";
  if (wants_another) out += "; that is where the running daemon was started: " + remedy;
  if (!wants_another && !is_as_asked(facts, opening))
    out += "; the running daemon was started so: `hearth stop` lets it begin without";
  return out + ".";
}

std::string tools_table(const ToolsFacts& facts, const Opening& opening) {
  Table table;
  for (const ToolsFacts::Tool& tool : facts.tools)
    table.add_row({visible(tool.name), what_happens(tool), visible(tool.description)});
  return table.text() + tools_sentence(facts, opening) + "\n";
}

}  // namespace hearth::cli
