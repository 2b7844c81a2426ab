#include "engine/prompt/format_cache.h"

#include <algorithm>
#include <utility>

#include "chat-auto-parser.h"
#include "engine/runtime/guard.h"

namespace hearth::engine {
namespace {

/// Whether llama-common has no code of its own for this template. It decides that by the text.
bool is_general(const std::string& source) {
  const auto general = guarded(Code::Internal, "the template has its own code", [&] {
    const common_chat_template made(source, "", "");
    autoparser::generation_params params;
    params.messages = common_json::array({{{"role", "user"}, {"content", "hello"}}});
    params.tools = common_json::array();
    return !common_chat_try_specialized_template(made, source, params);
  });
  return general.ok() && general.value();
}

bool are_general(const common_chat_templates* templates) {
  const std::string for_tools = common_chat_templates_source(templates, "tool_use");
  return is_general(common_chat_templates_source(templates)) &&
         (for_tools.empty() || is_general(for_tools));
}

/// The prompt and what begins an answer, in three renderings.
common_chat_params render(const common_chat_templates* templates,
                          common_chat_templates_inputs inputs) {
  inputs.force_pure_content = true;
  return common_chat_templates_apply(templates, inputs);
}

/// Lengths keep one text from running into the next.
void append(std::string& key, const std::string& text) {
  key += std::to_string(text.size()) + ":" + text;
}

std::string key_of(const common_chat_templates_inputs& inputs,
                   const std::string& generation_prompt) {
  std::string key;
  for (const int option :
       {static_cast<int>(inputs.tool_choice), inputs.parallel_tool_calls ? 1 : 0,
        static_cast<int>(inputs.reasoning_format), inputs.enable_thinking ? 1 : 0}) {
    append(key, std::to_string(option));
  }
  for (const std::string* text : {&generation_prompt, &inputs.json_schema, &inputs.grammar})
    append(key, *text);
  for (const common_chat_tool& tool : inputs.tools) {
    for (const std::string* text : {&tool.name, &tool.description, &tool.parameters})
      append(key, *text);
  }
  return key;
}

}  // namespace

FormatCache::FormatCache(const common_chat_templates* templates)
    : templates_(templates), is_general_(are_general(templates)) {}

bool FormatCache::knows(const common_chat_templates_inputs& inputs) const {
  return is_general_ && inputs.continue_final_message == COMMON_CHAT_CONTINUATION_NONE;
}

std::string FormatCache::prompt(const common_chat_templates_inputs& inputs) const {
  return (knows(inputs) ? render(templates_, inputs)
                        : common_chat_templates_apply(templates_, inputs))
      .prompt;
}

common_chat_params FormatCache::apply(const common_chat_templates_inputs& inputs,
                                      const common_chat_templates_inputs& shown) {
  if (!knows(inputs)) {
    common_chat_params params = common_chat_templates_apply(templates_, inputs);
    if (&shown != &inputs) params.prompt = prompt(shown);
    return params;
  }
  common_chat_params rendered = render(templates_, shown);
  std::string key = key_of(inputs, rendered.generation_prompt);
  if (key.size() > kKeyBytesMax) {
    common_chat_params params = common_chat_templates_apply(templates_, inputs);
    params.prompt = std::move(rendered.prompt);
    return params;
  }
  if (const common_chat_params* found = find(key)) {
    ++hits_;
    common_chat_params params = *found;
    params.prompt = std::move(rendered.prompt);
    return params;
  }
  common_chat_params params = common_chat_templates_apply(templates_, inputs);
  keep(std::move(key), params);
  params.prompt = std::move(rendered.prompt);
  return params;
}

const common_chat_params* FormatCache::find(const std::string& key) {
  const auto found =
      std::ranges::find_if(entries_, [&key](const Entry& entry) { return entry.key == key; });
  if (found == entries_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, found);
  return &found->params;
}

void FormatCache::keep(std::string key, common_chat_params params) {
  params.prompt.clear();
  entries_.push_front({std::move(key), std::move(params)});
  if (entries_.size() > kEntriesMax) entries_.pop_back();
}

}  // namespace hearth::engine
