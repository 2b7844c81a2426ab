#include "engine/prompt/prompt_builder.h"

#include <algorithm>
#include <ctime>

#include "base/fields.h"
#include "base/utf8.h"
#include "engine/prompt/grammar_check.h"
#include "engine/prompt/json_spacing.h"
#include "engine/prompt/landmarks.h"
#include "engine/prompt/output_syntax.h"
#include "engine/prompt/prompt_memo.h"
#include "engine/prompt/rendering.h"
#include "engine/prompt/spelling.h"
#include "engine/prompt/tool_grammar.h"
#include "engine/runtime/guard.h"
#include "engine/schema/stand_ins.h"
#include "llama-cpp.h"

namespace hearth::engine {
namespace {

using Mode = chat::ToolChoice::Mode;
using Kind = chat::OutputFormat::Kind;

constexpr std::size_t kPlainTextBytesMax = 16 * 1024 * 1024;
// How an answer begins that is a call in bare JSON; the group is where the grammar takes over.
constexpr const char* kBareCallBeginning = R"re(^\s*(\{\s*"(?:name|type|function)"))re";
constexpr const char* kAnyObject = R"({"type": "object"})";

std::string unchanged(std::string_view text) { return std::string(text); }

bool is_strict(const chat::Conversation& conversation) {
  return conversation.tool_choice.mode == Mode::Required ||
         conversation.tool_choice.mode == Mode::Named;
}

bool may_call(const chat::Conversation& conversation) {
  return !conversation.tools.empty() && conversation.tool_choice.mode != Mode::None;
}

/// The conversation with the tools that may be called and no others.
chat::Conversation with_callable_tools(const chat::Conversation& conversation) {
  chat::Conversation result = conversation;
  if (conversation.tool_choice.mode != Mode::Named) return result;
  std::erase_if(result.tools,
                [&](const chat::Tool& tool) { return tool.name != conversation.tool_choice.name; });
  return result;
}

/// The conversation with its tools as the model is shown them.
chat::Conversation as_shown(const chat::Conversation& conversation) {
  chat::Conversation result = conversation;
  for (chat::Tool& tool : result.tools)
    if (!tool.outline.empty()) tool.parameters = tool.outline;
  return result;
}

Result<void> check_format(const chat::Request& request) {
  const chat::OutputFormat& format = request.format;
  const auto* conversation = std::get_if<chat::Conversation>(&request.prompt);
  const bool calls = conversation && may_call(*conversation);
  if (format.kind == Kind::Grammar) {
    if (calls) return field_error("grammar", "cannot be combined with tools");
    if (format.source.size() > chat::kGrammarBytesMax)
      return Error{Code::TooLarge, "grammar: above 64 KiB", "grammar"};
    return ok();
  }
  if (format.kind == Kind::Text) return ok();
  if (calls)
    return field_error("response_format",
                       "cannot be combined with tools; set tool_choice to \"none\"");
  if (format.kind == Kind::JsonObject) return ok();
  if (format.source.size() > chat::kSchemaBytesMax) {
    return Error{Code::TooLarge, "response_format: the schema is above 64 KiB", "response_format"};
  }
  return check_schema(format.source, "response_format", SchemaRoot::Any);
}

Result<void> with_field(const Result<void>& result, const std::string& field) {
  if (result.ok()) return ok();
  return Error{result.error().code, field + ": " + result.error().message, field};
}

/// Within the bounds of chat::Started::loosened.
void note_loosened(std::string line, PreparedPrompt& out) {
  constexpr std::string_view kMore = "…";
  if (out.loosened.size() == chat::kLoosenedMax) {
    out.loosened.back() = kMore;
    return;
  }
  if (line.size() > chat::kLoosenedBytesMax) {
    line.resize(chat::kLoosenedBytesMax - kMore.size());
    line.resize(utf8_complete_bytes(line));
    line += kMore;
  }
  out.loosened.push_back(std::move(line));
}

void note_loosened(const StandIns& made, const std::string& field, PreparedPrompt& out) {
  for (std::size_t i = 0; i < made.size(); ++i) {
    const std::string place =
        field == "tools" ? "tools[" + std::to_string(i) + "].function.parameters" : field;
    for (const std::string& line : made.loosened(i))
      note_loosened(place + (line.starts_with(':') ? "" : ".") + line, out);
  }
}

/// Where a call has its arguments between tags, texts stand there as they are.
void note_tagged(const chat::Conversation& conversation, PreparedPrompt& out) {
  for (std::size_t i = 0; i < conversation.tools.size(); ++i)
    note_loosened("tools[" + std::to_string(i) +
                      "].function.parameters: the model's own form of calls keeps the types alone",
                  out);
}

std::string schema_of(const chat::OutputFormat& format) {
  if (format.kind == Kind::JsonObject) return kAnyObject;
  if (format.kind != Kind::JsonSchema) return "";
  const bool empty = format.source.find_first_not_of("{} \t\r\n") == std::string::npos;
  return empty ? kAnyObject : format.source;
}

}  // namespace

struct PromptBuilder::State {
  State(const llama_model* from, const std::string& chat_template)
      : model(from),
        vocab(llama_model_get_vocab(from)),
        specials(vocab),
        tokenizer(vocab, specials),
        rendering(from, chat_template, specials),
        end_texts(answer_ends(vocab)) {}

  Result<PreparedPrompt> prepare(const chat::Request& request,
                                 std::chrono::system_clock::time_point now) const;
  Result<PreparedPrompt> prepare(const chat::Conversation& conversation,
                                 const chat::Request& request,
                                 std::chrono::system_clock::time_point now) const;
  Result<PreparedPrompt> prepare(const chat::PlainText& plain,
                                 const chat::OutputFormat& format) const;
  Result<PreparedPrompt> prepare(const chat::PlainTokens& plain,
                                 const chat::OutputFormat& format) const;

  std::uint32_t border(const chat::Conversation& conversation, std::uint32_t messages,
                       const RenderOptions& options, const std::vector<llama_token>& whole) const;
  Result<common_chat_params> write(const chat::Conversation& shown,
                                   const chat::Conversation& conversation,
                                   const RenderOptions& options, PreparedPrompt& out) const;
  Result<std::optional<std::string>> place(const chat::Conversation& conversation,
                                           const RenderOptions& options, Landmarks::Use use,
                                           PreparedPrompt& out) const;
  Result<void> check_tokens(const std::vector<chat::Token>& tokens, const char* field) const;
  void read_as(const common_chat_params& params, bool thinking, PreparedPrompt& out) const;
  Result<void> constrain_calls(const chat::Conversation& conversation, const StandIns& tools,
                               const RenderOptions& options, const common_chat_params& params,
                               PreparedPrompt& out) const;
  Result<void> constrain_native(const chat::Conversation& callable, const StandIns& tools,
                                const chat::Conversation& conversation,
                                const RenderOptions& options, const common_chat_params& params,
                                PreparedPrompt& out) const;
  Result<void> constrain_generic(const chat::Conversation& callable, const StandIns& schemas,
                                 const common_chat_params& params, PreparedPrompt& out) const;
  bool keeps_schemas(const RenderOptions& options) const {
    return options.tools_in_text || rendering.writes_json_arguments();
  }
  Result<void> constrain_format(const chat::OutputFormat& format, PreparedPrompt& out) const;
  Result<void> check_grammar(const PreparedPrompt& prompt, const char* field) const;
  Result<void> try_grammar(const PreparedPrompt& prompt, const char* field) const;
  void add_trigger(common_grammar_trigger trigger, PreparedPrompt& out) const;
  std::vector<llama_token> with_start(std::vector<llama_token> tokens) const;
  std::uint32_t history(const std::vector<llama_token>& whole, const std::string& beginning) const;

  const llama_model* model;
  const llama_vocab* vocab;
  SpecialTokens specials;
  SpanTokenizer tokenizer;
  Rendering rendering;
  std::vector<std::string> end_texts;  // see answer_ends()
  mutable PromptMemo memo{};
};

PromptBuilder::PromptBuilder(const llama_model* model, const std::string& chat_template)
    : state_(std::make_unique<const State>(model, chat_template)) {}
PromptBuilder::~PromptBuilder() = default;
PromptBuilder::PromptBuilder(PromptBuilder&&) noexcept = default;
PromptBuilder& PromptBuilder::operator=(PromptBuilder&&) noexcept = default;

Result<PreparedPrompt> PromptBuilder::prepare(const chat::Request& request,
                                              std::chrono::system_clock::time_point now) const {
  TRY_VOID(check_format(request));
  // The wall around llama.cpp: some tokenizers throw at characters that they do not know.
  auto prepared = guarded(Code::InvalidInput, "the prompt cannot be tokenized",
                          [&] { return state_->prepare(request, now); });
  return prepared.ok() ? std::move(prepared).value() : std::move(prepared).error();
}

Result<PreparedPrompt> PromptBuilder::State::prepare(
    const chat::Request& request, std::chrono::system_clock::time_point now) const {
  if (const auto* conversation = std::get_if<chat::Conversation>(&request.prompt)) {
    return prepare(*conversation, request, now);
  }
  if (const auto* text = std::get_if<chat::PlainText>(&request.prompt)) {
    return prepare(*text, request.format);
  }
  return prepare(std::get<chat::PlainTokens>(request.prompt), request.format);
}

std::chrono::system_clock::time_point PromptBuilder::fixed_day() {
  return std::chrono::system_clock::from_time_t(1'735'732'800);
}

std::chrono::system_clock::time_point PromptBuilder::start_of_today() {
  return start_of_day(std::chrono::system_clock::now());
}

std::chrono::system_clock::time_point PromptBuilder::start_of_day(
    std::chrono::system_clock::time_point time) {
  const std::time_t now = std::chrono::system_clock::to_time_t(time);
  std::tm day{};
  localtime_r(&now, &day);
  day.tm_hour = day.tm_min = day.tm_sec = 0;
  day.tm_isdst = -1;
  return std::chrono::system_clock::from_time_t(std::mktime(&day));
}

Result<PreparedPrompt> PromptBuilder::State::prepare(
    const chat::Conversation& conversation, const chat::Request& request,
    std::chrono::system_clock::time_point now) const {
  TRY_VOID(check_conversation(conversation));
  const chat::OutputFormat& format = request.format;
  RenderOptions options;
  options.now = now;
  // A call from the first token and a grammar of the user's leave no room for thoughts.
  options.thinking = !is_strict(conversation) && format.kind != Kind::Grammar;
  options.tool_choice = is_strict(conversation) ? COMMON_CHAT_TOOL_CHOICE_REQUIRED
                        : conversation.tool_choice.mode == Mode::None
                            ? COMMON_CHAT_TOOL_CHOICE_NONE
                            : COMMON_CHAT_TOOL_CHOICE_AUTO;
  options.tools_in_text = !rendering.knows_tools();
  options.json_schema = schema_of(format);
  TRY(const auto made, memo.stand_ins(conversation.tools));
  const StandIns& tools = *made;
  StandIns answer;
  if (!options.json_schema.empty()) {
    TRY_VOID(with_field(answer.add(options.json_schema), "response_format"));
    options.answer_stand_in = &answer;
  }
  if (rendering.writes_json_arguments()) options.tool_stand_ins = &tools;
  TRY_VOID(check_tokens(conversation.seen.tokens, "seen"));

  PreparedPrompt result;
  const chat::Conversation shown = as_shown(conversation);
  TRY(const common_chat_params params, write(shown, conversation, options, result));
  if (result.tokens.empty())
    return field_error("messages", "the model's chat template makes an empty prompt of them");
  result.history_tokens = history(result.tokens, params.generation_prompt);
  if (result.tail_tokens > 0) result.history_tokens = std::max(1U, result.tail_begin);
  if (const auto messages = request.cache.border_messages)
    result.border_tokens = border(shown, *messages, options, result.tokens);
  result.additional_stops = params.additional_stops;
  if (!rendering.has_template())
    result.additional_stops.insert(result.additional_stops.end(), {"\nUser:", "\nSystem:"});
  read_as(params, options.thinking, result);
  if (may_call(conversation)) {
    if (keeps_schemas(options)) {
      note_loosened(tools, "tools", result);
    } else {
      note_tagged(conversation, result);
    }
    TRY_VOID(constrain_calls(conversation, tools, options, params, result));
  } else if (!options.json_schema.empty()) {
    note_loosened(answer, "response_format", result);
    result.grammar = {COMMON_GRAMMAR_TYPE_TOOL_CALLS,
                      with_fixed_spacing(answer.install(params.grammar))};
    TRY_VOID(check_grammar(result, "response_format"));
  } else if (format.kind == Kind::Grammar) {
    TRY_VOID(constrain_format(format, result));
  }
  return result;
}

/// The tokens of the prompt, and how the answer will be written. Behind an answer that was seen
/// little is rendered, once llama-common has said how answers are written.
Result<common_chat_params> PromptBuilder::State::write(const chat::Conversation& shown,
                                                       const chat::Conversation& conversation,
                                                       const RenderOptions& options,
                                                       PreparedPrompt& out) const {
  using Use = Landmarks::Use;
  bool placed = false;
  if (shown.seen.messages > 0) {
    TRY(const auto beginning, place(shown, options, Use::Seen, out));
    placed = beginning.has_value();
    if (placed) {
      if (auto known = rendering.known(conversation, options, *beginning)) return std::move(*known);
    }
  }
  TRY(common_chat_params params, rendering.apply(conversation, options, unchanged));
  if (!placed && (shown.seen.messages > 0 || !shown.tail.empty())) {
    TRY(const auto beginning, place(shown, options, Use::Messages, out));
    placed = beginning.has_value();
  }
  if (placed) return params;
  const bool outlined = std::ranges::any_of(
      shown.tools, [](const chat::Tool& tool) { return !tool.outline.empty(); });
  std::string whole = params.prompt;
  if (outlined) {
    TRY(whole, rendering.prompt(shown, options, unchanged));
  }
  TRY(const MaskedText text, rendering.masked(shown, options, whole));
  out.tokens = with_start(tokenizer.tokenize(text));
  return params;
}

/// The tokens of the prompt: those that were seen, if `use` says so, and those of what follows,
/// with the tail in its place. Returns what begins the answer; nothing: the template does not show
/// these places.
Result<std::optional<std::string>> PromptBuilder::State::place(
    const chat::Conversation& conversation, const RenderOptions& options, Landmarks::Use use,
    PreparedPrompt& out) const {
  const Landmarks::Early early =
      use == Landmarks::Use::Seen ? rendering.early() : Landmarks::Early{};
  const Landmarks landmarks(conversation, use, early);
  const auto rendered = rendering.render(landmarks.conversation(), options, unchanged);
  if (!rendered.ok()) return std::optional<std::string>();
  TRY(const MaskedText text,
      rendering.masked(landmarks.conversation(), options, rendered.value().prompt));
  const auto parts = landmarks.split(text, end_texts);
  if (!parts) return std::optional<std::string>();
  std::optional<std::string> beginning = rendered.value().generation_prompt;
  const bool follows = use == Landmarks::Use::Seen && conversation.seen.messages > 0;
  const std::vector<llama_token> before = tokenizer.tokenize(parts->before);
  out.tokens = follows ? conversation.seen.tokens : with_start({});
  out.seen_tokens = follows ? static_cast<std::uint32_t>(out.tokens.size()) : 0;
  out.tokens.insert(out.tokens.end(), before.begin(), before.end());
  if (conversation.tail.empty()) return beginning;
  const auto tail = tokenizer.tokenize(MaskedText::all("\n\n" + conversation.tail, false));
  const auto after = tokenizer.tokenize(parts->after);
  out.tail_begin = static_cast<std::uint32_t>(out.tokens.size());
  out.tail_tokens = static_cast<std::uint32_t>(tail.size());
  out.tokens.insert(out.tokens.end(), tail.begin(), tail.end());
  out.tokens.insert(out.tokens.end(), after.begin(), after.end());
  return beginning;
}

/// What the prompt of the first messages alone and the whole prompt begin with in common. A
/// template that refuses the part leaves no border.
std::uint32_t PromptBuilder::State::border(const chat::Conversation& conversation,
                                           std::uint32_t messages, const RenderOptions& options,
                                           const std::vector<llama_token>& whole) const {
  chat::Conversation part = conversation;
  part.messages.resize(std::min<std::size_t>(messages, part.messages.size()));
  const auto prompt = rendering.prompt(part, options, unchanged);
  if (!prompt.ok()) return 0;
  const auto text = rendering.masked(part, options, prompt.value());
  if (!text.ok()) return 0;
  const std::vector<llama_token> begun = with_start(tokenizer.tokenize(text.value()));
  const auto ends = std::mismatch(begun.begin(), begun.end(), whole.begin(), whole.end());
  return static_cast<std::uint32_t>(ends.first - begun.begin());
}

/// What llama-common says about the answer, for the sampler and the parser.
void PromptBuilder::State::read_as(const common_chat_params& params, bool thinking,
                                   PreparedPrompt& out) const {
  for (const std::string& text : params.preserved_tokens) {
    const llama_tokens tokens = common_tokenize(vocab, text, false, true);
    if (tokens.size() == 1) out.preserved_tokens.insert(tokens[0]);
  }
  out.generation_prompt = params.generation_prompt;
  out.reasoning_start.clear();
  out.reasoning_ends.clear();
  if (params.supports_thinking && !params.thinking_start_tag.empty()) {
    out.reasoning_start = common_tokenize(vocab, params.thinking_start_tag, false, true);
    for (const std::string& tag : params.thinking_end_tags) {
      out.reasoning_ends.push_back(common_tokenize(vocab, tag, false, true));
    }
  }
  auto syntax = std::make_shared<OutputSyntax>();
  syntax->plain = params.parser.empty();
  syntax->options = common_chat_parser_params(params);
  syntax->options.reasoning_format =
      thinking ? COMMON_REASONING_FORMAT_DEEPSEEK : COMMON_REASONING_FORMAT_NONE;
  if (!syntax->plain) syntax->parser = memo.parser(params.parser);
  out.syntax = std::move(syntax);
}

/// Only the named tool may be called, although the prompt tells of all. `tools`: made of all.
Result<void> PromptBuilder::State::constrain_calls(const chat::Conversation& conversation,
                                                   const StandIns& tools,
                                                   const RenderOptions& options,
                                                   const common_chat_params& params,
                                                   PreparedPrompt& out) const {
  const chat::Conversation callable = with_callable_tools(conversation);
  std::shared_ptr<const StandIns> named;
  const bool is_named = conversation.tool_choice.mode == Mode::Named;
  if (is_named) {
    TRY(named, memo.stand_ins(callable.tools));
  }
  const StandIns& made = is_named ? *named : tools;
  const auto built = guarded(Code::InvalidInput, "tools: no grammar can be made of them", [&] {
    return options.tools_in_text
               ? constrain_generic(callable, made, params, out)
               : constrain_native(callable, made, conversation, options, params, out);
  });
  if (!built.ok()) return Error{Code::InvalidInput, built.error().message, "tools"};
  TRY_VOID(built.value());
  return out.grammar.empty() ? ok() : check_grammar(out, "tools");
}

Result<void> PromptBuilder::State::constrain_native(const chat::Conversation& callable,
                                                    const StandIns& tools,
                                                    const chat::Conversation& conversation,
                                                    const RenderOptions& options,
                                                    const common_chat_params& params,
                                                    PreparedPrompt& out) const {
  const bool parallel = conversation.parallel_tool_calls;
  const auto installed = [&](std::string grammar) {
    return options.tool_stand_ins ? tools.install(std::move(grammar)) : grammar;
  };
  RenderOptions called = options;
  called.tool_stand_ins = options.tool_stand_ins ? &tools : nullptr;
  if (is_strict(conversation)) {
    TRY(const common_chat_params callable_params, rendering.apply(callable, called, unchanged));
    read_as(callable_params, options.thinking, out);
    TRY(std::string strict, strict_call_grammar(callable_params, parallel));
    // The type says that the grammar does not cover the end of the prompt.
    out.grammar = {COMMON_GRAMMAR_TYPE_USER, with_fixed_spacing(installed(std::move(strict)))};
  } else if (!params.grammar.empty()) {
    out.grammar = {COMMON_GRAMMAR_TYPE_TOOL_CALLS,
                   installed(parallel ? params.grammar : one_call_grammar(params))};
    out.grammar_lazy = params.grammar_lazy;
    for (const common_grammar_trigger& trigger : params.grammar_triggers) add_trigger(trigger, out);
  } else {
    // A call in this form is bare JSON, for which llama-common knows no trigger word.
    called.tool_choice = COMMON_CHAT_TOOL_CHOICE_REQUIRED;
    TRY(const common_chat_params required, rendering.apply(conversation, called, unchanged));
    TRY(std::string strict, strict_call_grammar(required, parallel));
    out.grammar = {COMMON_GRAMMAR_TYPE_USER, installed(std::move(strict))};
    out.grammar_lazy = true;
    out.grammar_triggers = {{COMMON_GRAMMAR_TRIGGER_TYPE_PATTERN, kBareCallBeginning}};
  }
  auto syntax = std::make_shared<OutputSyntax>(*out.syntax);
  syntax->calls = true;
  syntax->strict = is_strict(conversation);
  out.syntax = std::move(syntax);
  return ok();
}

Result<void> PromptBuilder::State::constrain_generic(const chat::Conversation& callable,
                                                     const StandIns& schemas,
                                                     const common_chat_params& params,
                                                     PreparedPrompt& out) const {
  common_chat_templates_inputs inputs;
  fill_template_input(callable, unchanged, inputs);
  for (std::size_t i = 0; i < inputs.tools.size(); ++i)
    inputs.tools[i].parameters = schemas.schema(i);
  const bool strict = is_strict(callable);
  GenericTools tools = make_generic_tools(inputs.tools, callable.parallel_tool_calls, strict,
                                          params.generation_prompt);
  // A lazy grammar takes up what the model has begun in its own way.
  std::string grammar = schemas.install(tools.grammar);
  out.grammar = {COMMON_GRAMMAR_TYPE_USER,
                 strict ? with_fixed_spacing(grammar) : std::move(grammar)};
  out.grammar_lazy = !strict;
  if (!strict) add_trigger({COMMON_GRAMMAR_TRIGGER_TYPE_WORD, GenericTools::kTrigger}, out);
  auto syntax = std::make_shared<OutputSyntax>();
  syntax->plain = false;
  syntax->calls = true;
  syntax->strict = strict;
  syntax->options = out.syntax->options;
  syntax->options.format = COMMON_CHAT_FORMAT_PEG_NATIVE;
  syntax->parser = std::make_shared<const common_peg_arena>(std::move(tools.parser));
  out.syntax = std::move(syntax);
  return ok();
}

/// A word that is one token is looked for as that token, which must then be written out.
void PromptBuilder::State::add_trigger(common_grammar_trigger trigger, PreparedPrompt& out) const {
  if (trigger.type == COMMON_GRAMMAR_TRIGGER_TYPE_WORD) {
    const llama_tokens tokens = common_tokenize(vocab, trigger.value, false, true);
    if (tokens.size() == 1) {
      trigger.type = COMMON_GRAMMAR_TRIGGER_TYPE_TOKEN;
      trigger.token = tokens[0];
      out.preserved_tokens.insert(tokens[0]);
    }
  }
  out.grammar_triggers.push_back(std::move(trigger));
}

Result<void> PromptBuilder::State::constrain_format(const chat::OutputFormat& format,
                                                    PreparedPrompt& out) const {
  out.syntax = std::make_shared<OutputSyntax>();
  if (format.kind == Kind::Text) return ok();
  if (format.kind == Kind::Grammar) {
    out.grammar = {COMMON_GRAMMAR_TYPE_USER, format.source};
    return check_grammar(out, "grammar");
  }
  TRY(const Json schema, parse_json(schema_of(format), "response_format"));
  const auto made = schema_grammar(schema, "schema-");
  if (!made.ok()) return with_field(Result<void>(made.error()), "response_format");
  for (const std::string& line : made.value().loosened)
    note_loosened("response_format." + line, out);
  out.grammar = {COMMON_GRAMMAR_TYPE_USER,
                 with_fixed_spacing("root ::= " + made.value().root + "\nspace ::= \" \"?\n" +
                                    made.value().rules)};
  return check_grammar(out, "response_format");
}

Result<void> PromptBuilder::State::check_grammar(const PreparedPrompt& prompt,
                                                 const char* field) const {
  const std::string how = prompt.grammar_lazy ? "lazy" : std::to_string(prompt.grammar.type);
  return memo.once(how + "\n" + prompt.generation_prompt + "\n" + prompt.grammar.grammar,
                   [&] { return try_grammar(prompt, field); });
}

/// Everything that could stop the sampler later is tried here, where it still has a name.
Result<void> PromptBuilder::State::try_grammar(const PreparedPrompt& prompt,
                                               const char* field) const {
  if (prompt.grammar.grammar.starts_with("%llguidance"))
    return field_error(field, "llguidance is not supported");
  const auto checked = check_grammar_text(prompt.grammar.grammar);
  if (!checked.ok())
    return Error{checked.error().code, std::string(field) + ": " + checked.error().message, field};
  const llama_sampler_ptr sampler(
      llama_sampler_init_grammar(vocab, prompt.grammar.grammar.c_str(), "root"));
  if (!sampler) return field_error(field, "the grammar is not well-formed");
  if (prompt.grammar_lazy || !common_grammar_needs_prefill(prompt.grammar)) return ok();
  const auto taken = guarded(Code::InvalidInput, "the grammar does not fit the prompt", [&] {
    for (const llama_token token : spelled(vocab, prompt.generation_prompt, true)) {
      llama_sampler_accept(sampler.get(), token);
    }
  });
  if (!taken.ok()) return field_error(field, taken.error().message);
  return ok();
}

std::vector<llama_token> PromptBuilder::State::with_start(std::vector<llama_token> tokens) const {
  const llama_token start = llama_vocab_bos(vocab);
  if (llama_vocab_get_add_bos(vocab) && start != LLAMA_TOKEN_NULL)
    tokens.insert(tokens.begin(), start);
  return tokens;
}

/// `whole` without the tokens of `beginning`, if it ends with these, and without its last in any
/// case: a prompt that is asked again needs that one's logits.
std::uint32_t PromptBuilder::State::history(const std::vector<llama_token>& whole,
                                            const std::string& beginning) const {
  const std::vector<llama_token> last = spelled(vocab, beginning, true);
  const bool ends_so = !last.empty() && last.size() < whole.size() &&
                       std::equal(last.rbegin(), last.rend(), whole.rbegin());
  return static_cast<std::uint32_t>(whole.size() - (ends_so ? last.size() : 1));
}

Result<PreparedPrompt> PromptBuilder::State::prepare(const chat::PlainText& plain,
                                                     const chat::OutputFormat& format) const {
  if (plain.text.size() > kPlainTextBytesMax)
    return Error{Code::TooLarge, "prompt: above 16 MiB", "prompt"};
  if (!is_utf8(plain.text)) return field_error("prompt", "is not valid UTF-8");
  PreparedPrompt result;
  result.tokens = with_start(tokenizer.tokenize(MaskedText::all(plain.text, false)));
  if (result.tokens.empty()) return field_error("prompt", "is empty");
  result.history_tokens = history(result.tokens, "");
  TRY_VOID(constrain_format(format, result));
  return result;
}

Result<void> PromptBuilder::State::check_tokens(const std::vector<chat::Token>& tokens,
                                                const char* field) const {
  const std::int32_t count = llama_vocab_n_tokens(vocab);
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i] >= 0 && tokens[i] < count) continue;
    return field_error(std::string(field) + "[" + std::to_string(i) + "]",
                       "token " + std::to_string(tokens[i]) + " is outside the vocabulary of " +
                           std::to_string(count));
  }
  return ok();
}

Result<PreparedPrompt> PromptBuilder::State::prepare(const chat::PlainTokens& plain,
                                                     const chat::OutputFormat& format) const {
  TRY_VOID(check_tokens(plain.tokens, "prompt"));
  if (plain.tokens.empty()) return field_error("prompt", "is empty");
  PreparedPrompt result;
  result.tokens.assign(plain.tokens.begin(), plain.tokens.end());
  result.history_tokens = history(result.tokens, "");
  TRY_VOID(constrain_format(format, result));
  return result;
}

}  // namespace hearth::engine
