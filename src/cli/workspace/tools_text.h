#pragma once
#include <string>
#include <vector>

#include "base/call.h"
#include "base/result.h"
#include "cli/ask/daemon_client.h"
#include "cli/workspace/workspace_choice.h"

namespace hearth::cli {

/// What the model may use in sessions, as a daemon tells of it.
struct ToolsFacts {
  struct Tool {
    std::string name, description;
    std::string decision;    // "allow", "ask" or "deny"
    bool has_rules = false;  // hearth.toml decides otherwise about some targets
  };
  std::vector<Tool> tools{};
  std::vector<std::string> workspace{};  // empty: none
  bool plan_mode = false;                // they look, but change nothing
};
/// Errors: net::fetch's; Unavailable (it cannot be understood).
Result<ToolsFacts> tools_of(const Call& call, const DaemonClient& client);

/// What a chat says when it begins: where tools work and what they do, or why there are none. Safe
/// to show. Pure.
std::string tools_sentence(const ToolsFacts& facts, const Opening& opening);
/// Whether the daemon does as the command's options asked: another one may run already. Pure.
bool is_as_asked(const ToolsFacts& facts, const Opening& opening);
/// Whether no folder is open, and nobody asked for that: the model has no tools. Pure.
bool lacks_tools(const ToolsFacts& facts, const Opening& opening);
/// A line for each tool, and then that sentence.
std::string tools_table(const ToolsFacts& facts, const Opening& opening);

}  // namespace hearth::cli
