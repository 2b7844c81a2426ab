#include "engine/prompt/rendering.h"

#include <ctime>
#include <optional>
#include <set>

#include "engine/prompt/markers.h"
#include "engine/prompt/tool_grammar.h"
#include "engine/runtime/guard.h"

namespace hearth::engine {
namespace {

constexpr const char* kChatMl =
    "{%- for message in messages -%}"
    "{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' -}}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}";

constexpr const char* kPlain =
    "{%- for message in messages -%}"
    "{{- {'system': 'System', 'user': 'User', 'assistant': 'Assistant'}[message.role] + ': ' + "
    "message.content + '\\n' -}}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- 'Assistant:' -}}{%- endif -%}";

bool has_chatml_tokens(const llama_vocab* vocab) {
  const std::int32_t count = llama_vocab_n_tokens(vocab);
  for (llama_token id = 0; id < count; ++id) {
    if (std::string_view(llama_vocab_get_text(vocab, id)) == "<|im_start|>") return true;
  }
  return false;
}

/// `text` on one line and not too long, for a sentence.
std::string one_line(std::string text) {
  for (char& c : text) {
    if (c == '\n' || c == '\r') c = ' ';
  }
  return text.substr(0, 300);
}

std::string quoted_date(std::chrono::system_clock::time_point now, const char* format) {
  const std::time_t time = std::chrono::system_clock::to_time_t(now);
  std::tm local{};
  localtime_r(&time, &local);
  char text[32];
  const std::size_t bytes = std::strftime(text, sizeof(text), format, &local);
  std::string quoted = "\"";
  return quoted.append(text, bytes).append("\"");
}

std::string unchanged(std::string_view text) { return std::string(text); }

common_chat_templates_inputs inputs_of(const chat::Conversation& conversation,
                                       const RenderOptions& options, const TextFilter& filter) {
  common_chat_templates_inputs inputs;
  fill_template_input(conversation, filter, inputs);
  inputs.tool_choice = options.tool_choice;
  if (options.tools_in_text) {
    describe_tools_in_text(inputs);
    inputs.tool_choice = COMMON_CHAT_TOOL_CHOICE_NONE;
  }
  inputs.parallel_tool_calls = conversation.parallel_tool_calls;
  inputs.json_schema = options.json_schema;
  inputs.enable_thinking = options.thinking;
  inputs.reasoning_format =
      options.thinking ? COMMON_REASONING_FORMAT_DEEPSEEK : COMMON_REASONING_FORMAT_NONE;
  inputs.now = options.now;
  // llama-common fills these from the clock of the moment; what is given here wins.
  inputs.chat_template_kwargs["datetime"] = quoted_date(options.now, "%b %d %Y");
  inputs.chat_template_kwargs["date_string"] = quoted_date(options.now, "%d %b %Y");
  return inputs;
}

/// What the grammar is made of takes the places of the schemas that the prompt shows.
void put_stand_ins(const RenderOptions& options, common_chat_templates_inputs& inputs) {
  if (const StandIns* tools = options.tool_stand_ins) {
    for (std::size_t i = 0; i < inputs.tools.size() && i < tools->size(); ++i)
      inputs.tools[i].parameters = tools->schema(i);
  }
  if (options.answer_stand_in) inputs.json_schema = options.answer_stand_in->schema(0);
}

constexpr std::string_view kProbed = "hearthprobed";

/// Conversations in which something follows an answer, in the ways that templates tell apart.
std::vector<chat::Conversation> with_answers() {
  using chat::Role;
  const std::string answer(kProbed);
  const chat::Message asked{.role = Role::User, .content = "hello"};
  const chat::Message answered{.role = Role::Assistant, .content = answer};
  const chat::Message called{
      .role = Role::Assistant, .content = "", .tool_calls = {{"call00001", answer, "{}"}}};
  const chat::Message result{
      .role = Role::Tool, .content = "done", .tool_call_id = "call00001", .name = "probe"};
  const chat::Message system{.role = Role::System, .content = "be brief"};
  std::vector<chat::Conversation> all(4);
  all[0].messages = {asked, answered, asked};
  all[1].messages = {system, asked, answered, asked};
  all[2].messages = {asked, called, result};
  all[3].messages = {system, asked, called, result, answered, asked};
  return all;
}

chat::Tool probing(const std::string& name, const std::string& property) {
  return {name, "does " + name,
          R"({"type":"object","properties":{")" + property + R"(":{"type":"string"}}})"};
}

}  // namespace

Rendering::Rendering(const llama_model* model, const std::string& chat_template,
                     const SpecialTokens& specials)
    : specials_(specials), tokenizer_(llama_model_get_vocab(model), specials) {
  std::string source = chat_template;
  const bool in_file =
      llama_model_chat_template(model, nullptr) || llama_model_chat_template(model, "tool_use");
  if (source.empty() && !in_file) {
    has_template_ = has_chatml_tokens(llama_model_get_vocab(model));
    source = has_template_ ? kChatMl : kPlain;
  }
  auto made = guarded(Code::Corrupt, "the model's chat template does not parse",
                      [&] { return common_chat_templates_init(model, source); });
  if (made.ok()) {
    templates_ = std::move(made).value();
    formats_.emplace(templates_.get());
    knows_tools_ = probe_tools();
    writes_json_arguments_ = knows_tools_ && probe_json_arguments();
  } else {
    problem_ = one_line(made.error().message);
  }
}

/// A required call of a small tool.
Result<common_chat_params> Rendering::probe(const StandIns* stand_ins) const {
  chat::Conversation conversation;
  conversation.messages = {{.role = chat::Role::User, .content = "hello"}};
  conversation.tools = {
      {"probe", "a probe", R"({"type":"object","properties":{"a":{"type":"string"}}})"}};
  RenderOptions options;
  options.tool_choice = COMMON_CHAT_TOOL_CHOICE_REQUIRED;
  options.thinking = false;
  options.tool_stand_ins = stand_ins;
  return apply(conversation, options, unchanged);
}

bool Rendering::probe_json_arguments() const {
  StandIns stand_ins;
  if (!stand_ins.add("{}").ok()) return false;
  const auto params = probe(&stand_ins);
  return params.ok() && stand_ins.stands_in(params.value().grammar, 0);
}

/// Whether it gets a grammar and a parser, is the test for all tools.
bool Rendering::probe_tools() const {
  const auto params = probe(nullptr);
  if (!params.ok() || params.value().prompt.find("probe") == std::string::npos) return false;
  const auto strict = guarded(Code::Internal, "probe",
                              [&] { return strict_call_grammar(params.value(), true).ok(); });
  return strict.ok() && strict.value();
}

Landmarks::Early Rendering::early() const {
  std::call_once(early_tried_, [this] { early_ = probe_early(); });
  return early_;
}

/// One tool and three, one instruction and another, with and without thoughts. A conversation that
/// the template refuses with all of them tells nothing; it would be refused later too.
Landmarks::Early Rendering::probe_early() const {
  RenderOptions options;
  options.tools_in_text = !knows_tools_;
  const auto rest = [&](const chat::Conversation& conversation) {
    const auto text = prompt(conversation, options, unchanged);
    if (!text.ok()) return std::string();
    const std::size_t at = text.value().rfind(kProbed);
    return at == std::string::npos ? "?" : text.value().substr(at);
  };
  std::set<std::string> found;
  Landmarks::Early early{.tools = true, .instructions = true};
  for (chat::Conversation conversation : with_answers()) {
    for (const bool thinking : {true, false}) {
      options.thinking = thinking;
      conversation.tools = {probing("probe", "a")};
      const std::string one = rest(conversation);
      conversation.tools = {probing("look", "place"), probing("probe", "a"), probing("tell", "it")};
      const std::string three = rest(conversation);
      if (conversation.messages[0].role == chat::Role::System)
        conversation.messages[0].content = "say it at length, in verse";
      const std::string others = rest(conversation);
      early.tools = early.tools && one == three;
      early.instructions = early.instructions && three == others;
      found.insert(one);
    }
  }
  const bool any = found.size() > (found.contains("") ? 1 : 0) && !found.contains("?");
  return any ? early : Landmarks::Early{};
}

template <class Work>
auto Rendering::with_templates(Work&& work) const
    -> Result<std::invoke_result_t<Work, FormatCache&>> {
  if (!templates_) return Error{Code::Corrupt, problem_};
  const MutexLock lock(rendering_);
  FormatCache& formats = *formats_;  // the analysis does not look into lambdas
  auto done =
      guarded(Code::InvalidInput, "messages: the model's chat template refuses this conversation",
              [&] { return work(formats); });
  if (!done.ok()) return Error{Code::InvalidInput, one_line(done.error().message), "messages"};
  return done;
}

Result<common_chat_params> Rendering::apply(const chat::Conversation& conversation,
                                            const RenderOptions& options,
                                            const TextFilter& filter) const {
  const common_chat_templates_inputs shown = inputs_of(conversation, options, filter);
  if (!options.tool_stand_ins && !options.answer_stand_in)
    return with_templates([&](FormatCache& formats) { return formats.apply(shown); });
  common_chat_templates_inputs inputs = shown;
  put_stand_ins(options, inputs);
  return with_templates([&](FormatCache& formats) { return formats.apply(inputs, shown); });
}

std::optional<common_chat_params> Rendering::known(const chat::Conversation& conversation,
                                                   const RenderOptions& options,
                                                   const std::string& generation_prompt) const {
  common_chat_templates_inputs inputs = inputs_of(conversation, options, unchanged);
  put_stand_ins(options, inputs);
  auto found =
      with_templates([&](FormatCache& formats) { return formats.find(inputs, generation_prompt); });
  return found.ok() ? std::move(found).value() : std::nullopt;
}

Result<FormatCache::Rendered> Rendering::render(const chat::Conversation& conversation,
                                                const RenderOptions& options,
                                                const TextFilter& filter) const {
  const common_chat_templates_inputs inputs = inputs_of(conversation, options, filter);
  return with_templates([&](FormatCache& formats) { return formats.render(inputs); });
}

Result<std::string> Rendering::prompt(const chat::Conversation& conversation,
                                      const RenderOptions& options,
                                      const TextFilter& filter) const {
  TRY(FormatCache::Rendered rendered, render(conversation, options, filter));
  return std::move(rendered.prompt);
}

Result<MaskedText> Rendering::masked(const chat::Conversation& conversation,
                                     const RenderOptions& options,
                                     const std::string& rendered) const {
  bool hazard = false;
  each_text(conversation,
            [&](std::string_view text) { hazard = hazard || specials_.hazardous(text); });
  if (!hazard) return MaskedText::all(rendered, true);

  // The rendering of harmless text is the measure of what the template itself says.
  const TextFilter defang = [this](std::string_view text) { return specials_.defanged(text); };
  TRY(std::string harmless, prompt(conversation, options, defang));
  MaskedText safe = MaskedText::all(std::move(harmless), true);
  TRY(auto faithful, marked(conversation, options, rendered));
  // Unequal: the template looks into texts, cuts them or puts them together.
  if (faithful && tokenizer_.special_tokens(*faithful) == tokenizer_.special_tokens(safe))
    return std::move(*faithful);
  return safe;
}

/// `rendered` with a mask, where one can be found: with every text marked, or with the hazardous
/// ones.
Result<std::optional<MaskedText>> Rendering::marked(const chat::Conversation& conversation,
                                                    const RenderOptions& options,
                                                    const std::string& rendered) const {
  const Markers markers;
  for (const bool only_hazards : {false, true}) {
    const TextFilter mark = [&](std::string_view text) {
      return only_hazards && !specials_.hazardous(text) ? std::string(text) : markers.wrap(text);
    };
    const auto text = prompt(conversation, options, mark);
    if (!text.ok()) continue;  // a template that checks texts may refuse marked ones
    auto stripped = markers.strip(text.value());
    if (stripped && stripped->text == rendered) return stripped;
  }
  return std::optional<MaskedText>();
}

}  // namespace hearth::engine
