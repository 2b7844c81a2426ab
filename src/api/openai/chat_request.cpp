#include "api/openai/chat_request.h"

#include <algorithm>

#include "api/openai/messages.h"

namespace hearth::api {
namespace {

using json = nlohmann::ordered_json;

Result<void> refuse_unsupported(const Fields& fields) {
  if (fields.has("functions"))
    return fields.wrong("functions", "is no longer supported, use tools");
  if (fields.has("function_call"))
    return fields.wrong("function_call", "is no longer supported, use tool_choice");
  if (fields.has("audio")) return fields.wrong("audio", "is not supported, only text is");
  if (fields.has("web_search_options"))
    return fields.wrong("web_search_options", "is not supported");
  TRY(const json* modalities, fields.array("modalities", 8));
  const bool text_only = !modalities || std::all_of(modalities->begin(), modalities->end(),
                                                    [](const json& m) { return m == "text"; });
  if (!text_only) return fields.wrong("modalities", "only text is supported");
  return ok();
}

/// max_completion_tokens is OpenAI's newer name for max_tokens.
Result<std::optional<std::uint32_t>> parse_tokens_max(const Fields& fields) {
  TRY(const auto older, fields.whole("max_tokens", {1, kTokensMax}));
  TRY(const auto newer, fields.whole("max_completion_tokens", {1, kTokensMax}));
  if (older && newer && *older != *newer)
    return fields.wrong("max_tokens", "contradicts max_completion_tokens; give one of them");
  const auto value = newer ? newer : older;
  if (!value) return std::optional<std::uint32_t>();
  return std::optional(static_cast<std::uint32_t>(*value));
}

Result<std::optional<std::uint32_t>> parse_top_logprobs(const Fields& fields) {
  TRY(const bool wanted, fields.flag_or("logprobs", false));
  TRY(const auto top, fields.whole("top_logprobs", {0, chat::kTopLogprobsMax}));
  if (top && *top > 0 && !wanted) return fields.wrong("top_logprobs", "needs logprobs to be true");
  if (!wanted) return std::optional<std::uint32_t>();
  return std::optional(static_cast<std::uint32_t>(top.value_or(0)));
}

Result<chat::Conversation> parse_conversation(const Fields& fields) {
  chat::Conversation out;
  TRY(out.messages, parse_messages(fields));
  TRY(out.tools, parse_tools(fields));
  TRY(out.tool_choice, parse_tool_choice(fields, out.tools));
  TRY(out.parallel_tool_calls, fields.flag_or("parallel_tool_calls", true));
  return out;
}

/// Two grammars cannot both hold from the first token on.
Result<void> check_together(const Fields& fields, const chat::Conversation& talk,
                            const chat::OutputFormat& format) {
  using Mode = chat::ToolChoice::Mode;
  if (talk.tools.empty() || talk.tool_choice.mode == Mode::None) return ok();
  if (format.kind == chat::OutputFormat::Kind::Grammar)
    return fields.wrong("grammar", "cannot be combined with tools");
  return ok();
}

}  // namespace

Result<ChatRequest> parse_chat_request(const json& body, std::uint32_t vocabulary) {
  TRY(const Fields fields, Fields::of(body));
  TRY_VOID(refuse_unsupported(fields));
  ChatRequest out;
  TRY(chat::Conversation conversation, parse_conversation(fields));
  TRY(out.request.sampling, parse_sampling(fields, vocabulary));
  TRY(out.request.format, parse_format(fields));
  TRY_VOID(check_together(fields, conversation, out.request.format));
  TRY(out.request.tokens_max, parse_tokens_max(fields));
  TRY(out.request.stop, parse_stop(fields));
  TRY(out.request.top_logprobs, parse_top_logprobs(fields));
  TRY(out.request.cache_prompt, fields.flag_or("cache_prompt", true));
  TRY(out.request.ignore_eos, fields.flag_or("ignore_eos", false));
  TRY(out.request.cache, parse_cache(fields, conversation.messages.size()));
  TRY(out.request.lookup, fields.flag_or("lookup", true));
  TRY(out.request.forced_tokens, fields.flag_or("forced_tokens", true));
  TRY(out.delivery, parse_delivery(fields));
  TRY(out.request.deterministic, parse_deterministic(fields));
  out.request.prompt = std::move(conversation);
  return out;
}

}  // namespace hearth::api
