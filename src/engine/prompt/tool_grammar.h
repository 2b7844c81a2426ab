#pragma once
#include <string>

#include "base/result.h"
#include "chat.h"

namespace hearth::engine {

/// A grammar of tool calls and nothing before them, from what llama-common made for "required"
/// (which allows text first). With `parallel` false it allows exactly one call. Errors:
/// InvalidInput (this template's calls cannot be told from text).
Result<std::string> strict_call_grammar(const common_chat_params& required, bool parallel);

/// The lazy grammar of "auto" limited to one call. Some of llama-common's formats ignore
/// parallel_tool_calls = false.
std::string one_call_grammar(const common_chat_params& lazy);

/// Tools for templates that know none: the calls are asked for in a system message and written as
/// <tool_call>{"name": …, "arguments": …}</tool_call>, the commonest form.
struct GenericTools {
  common_peg_arena parser;
  std::string grammar;  // of the calls alone
  static constexpr const char* kTrigger = "<tool_call>";
};
/// `tools` that may be called. May throw, as llama-common does.
GenericTools make_generic_tools(const std::vector<common_chat_tool>& tools, bool parallel,
                                bool required, const std::string& generation_prompt);

/// Rewrites messages and tools of `inputs` to that form; no tools are left.
void describe_tools_in_text(common_chat_templates_inputs& inputs);

}  // namespace hearth::engine
