#include "engine/prompt/format_cache.h"

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
common_chat_params pure_content(const common_chat_templates* templates,
                                common_chat_templates_inputs inputs) {
  inputs.force_pure_content = true;
  return common_chat_templates_apply(templates, inputs);
}

std::string key_of(const common_chat_templates_inputs& inputs,
                   const std::string& generation_prompt) {
  std::string key;
  for (const int option :
       {static_cast<int>(inputs.tool_choice), inputs.parallel_tool_calls ? 1 : 0,
        static_cast<int>(inputs.reasoning_format), inputs.enable_thinking ? 1 : 0}) {
    add_part(key, std::to_string(option));
  }
  for (const std::string* text : {&generation_prompt, &inputs.json_schema, &inputs.grammar})
    add_part(key, *text);
  for (const common_chat_tool& tool : inputs.tools) {
    for (const std::string* text : {&tool.name, &tool.description, &tool.parameters})
      add_part(key, *text);
  }
  return key;
}

}  // namespace

FormatCache::FormatCache(const common_chat_templates* templates)
    : templates_(templates), is_general_(are_general(templates)) {}

bool FormatCache::knows(const common_chat_templates_inputs& inputs) const {
  return is_general_ && inputs.continue_final_message == COMMON_CHAT_CONTINUATION_NONE;
}

FormatCache::Rendered FormatCache::render(const common_chat_templates_inputs& inputs) const {
  common_chat_params params = knows(inputs) ? pure_content(templates_, inputs)
                                            : common_chat_templates_apply(templates_, inputs);
  return {std::move(params.prompt), std::move(params.generation_prompt)};
}

std::optional<common_chat_params> FormatCache::find(const common_chat_templates_inputs& inputs,
                                                    const std::string& generation_prompt) {
  if (!knows(inputs)) return std::nullopt;
  const common_chat_params* found = formats_.find(key_of(inputs, generation_prompt));
  if (!found) return std::nullopt;
  ++hits_;
  return *found;
}

common_chat_params FormatCache::apply(const common_chat_templates_inputs& inputs,
                                      const common_chat_templates_inputs& shown) {
  if (!knows(inputs)) {
    common_chat_params params = common_chat_templates_apply(templates_, inputs);
    if (&shown != &inputs) params.prompt = render(shown).prompt;
    return params;
  }
  Rendered rendered = render(shown);
  std::optional<common_chat_params> params = find(inputs, rendered.generation_prompt);
  if (!params) {
    params = common_chat_templates_apply(templates_, inputs);
    params->prompt.clear();
    std::string key = key_of(inputs, rendered.generation_prompt);
    if (key.size() <= kKeyBytesMax) formats_.keep(std::move(key), *params);
  }
  params->prompt = std::move(rendered.prompt);
  return std::move(*params);
}

}  // namespace hearth::engine
