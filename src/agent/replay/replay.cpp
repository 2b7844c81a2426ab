#include "agent/replay/replay.h"

#include <algorithm>

#include "agent/audience.h"
#include "agent/replay/recorded_calls.h"
#include "agent/turn.h"
#include "context/history.h"

namespace hearth::agent {
namespace {

constexpr std::size_t kAroundTokens = 12;  // shown before and behind a difference

/// How the turn ends when it cannot go on as it did.
class Ending final : public model::EventSink {
 public:
  void on_event(const chat::Event& event) override {
    if (const auto* failed = std::get_if<chat::Failed>(&event)) error = failed->error;
  }
  std::optional<Error> error{};
};

/// Why the model may give other bits, in its own words; empty: it promises not to.
std::string variance_of(const Call& call, model::Model& model) {
  chat::Request counted{.prompt = chat::PlainText{"a"}, .tokens_max = 0, .deterministic = true};
  const auto promised = model::generate(call, model, std::move(counted));
  return promised.ok() ? "" : promised.error().message;
}

/// In as many pieces as then. Gives the last error, if one ended it.
std::optional<Error> run(const Call& call, const Parts& parts, const store::Inbound& message,
                         RecordedModel& model, const RecordedCalls& calls) {
  const auto left = [] { return Turn::Stop::ShuttingDown; };
  for (;;) {
    const std::size_t before = model.remade().size() + calls.told();
    const auto ending = std::make_shared<Ending>();
    const auto audience = std::make_shared<Audience>();
    const auto listening = audience->join(ending);
    model.go_on();
    Turn turn(parts, message, *audience, [](Event) {});
    const auto outcome = turn.run(call, left);
    const bool moved = model.remade().size() + calls.told() > before;
    if (outcome == Turn::Outcome::Ended || model.is_over() || !moved) return ending->error;
  }
}

std::string text_around(const Call& call, model::Model& model,
                        const std::vector<chat::Token>& tokens, std::size_t at) {
  const std::size_t begin = at - std::min(at, kAroundTokens);
  const std::size_t end = std::min(tokens.size(), at + kAroundTokens);
  const auto text_of = [&](std::size_t from, std::size_t to) {
    const auto text = model.detokenize(call, {tokens.begin() + static_cast<std::ptrdiff_t>(from),
                                              tokens.begin() + static_cast<std::ptrdiff_t>(to)});
    return text.ok() ? text.value() : "?";
  };
  if (at >= tokens.size()) return text_of(begin, end) + "[end]";
  return text_of(begin, at) + "[" + text_of(at, at + 1) + "]" + text_of(at + 1, end);
}

std::string whole(const chat::Message& said) {
  std::string text = said.content;
  for (const chat::ToolCall& call : said.tool_calls)
    text += (text.empty() ? "" : "\n") + call.name + " " + call.arguments;
  return text;
}

/// The first line that is another one.
std::string first_other_line(const std::string& then, const std::string& now) {
  const auto [a, b] = std::mismatch(then.begin(), then.end(), now.begin(), now.end());
  const auto line_at = [](const std::string& text, std::string::const_iterator where) {
    const auto at = static_cast<std::size_t>(where - text.begin());
    const std::size_t begin = at == 0 ? 0 : text.rfind('\n', at - 1) + 1;
    return text.substr(begin, std::min(text.find('\n', at), text.size()) - begin);
  };
  return "\"" + line_at(then, a) + "\" was \"" + line_at(now, b) + "\"";
}

/// "kv=q8_0,unpacked": what was chosen, without the processor's many instructions.
std::string chosen(const std::string& numerics) {
  return numerics.substr(0, numerics.find(",llama.cpp"));
}

std::string about_tools(const std::vector<chat::Tool>& tools) {
  std::string all;
  for (const chat::Tool& tool : tools)
    all += tool.name + ": " + tool.description + " " + tool.parameters + "\n";
  return all;
}

}  // namespace

bool Replayed::is_same() const {
  return rounds.size() == rounds_then && std::ranges::all_of(rounds, [](const Remade& one) {
           return is_same_prompt(one) && is_same_answer(one);
         });
}

Result<Replayed> replay(const Call& call, const Recording& recording, const Parts& parts) {
  const Round& first = recording.rounds.front();
  model::Model* const real = parts.find_model("");
  if (!real) return Error{Code::NotFound, "there is no model", "model"};
  TRY(const store::Inbound message, restore(call, recording, parts.store, parts.time));
  RecordedModel model(recording, *real);
  const RecordedCalls calls(recording);
  Parts again = parts;
  again.find_model = [&model](std::string_view) { return &model; };
  again.toolbox = nullptr;
  again.recorded = &calls;
  again.zone = context::StaticZone::as_recorded(first.first_message, first.tools);
  again.static_sizes = std::make_shared<StaticSizes>(first.static_tokens);
  again.memories_max = 0;
  again.shows_date = false;
  const auto error = run(call, again, message, model, calls);
  const bool ended_as_then = model.is_over() || !error || error->code == Code::Unavailable;
  if (!ended_as_then) return *error;
  return Replayed{.rounds = model.remade(),
                  .rounds_then = recording.rounds.size(),
                  .variance = variance_of(call, *real)};
}

Result<std::optional<Difference>> first_difference(const Call& call, const Replayed& replayed,
                                                   model::Model& model) {
  if (replayed.is_same() || replayed.rounds.empty()) return std::optional<Difference>();
  const Remade& last = replayed.rounds.back();
  Difference out{.round = last.then.number,
                 .in_prompt = !is_same_prompt(last),
                 .then = whole(last.said_then),
                 .now = whole(last.said_now)};
  const auto [then, now] = std::mismatch(last.tokens_then.begin(), last.tokens_then.end(),
                                         last.tokens_now.begin(), last.tokens_now.end());
  const bool known = !last.tokens_then.empty() && !last.tokens_now.empty() &&
                     (then != last.tokens_then.end() || now != last.tokens_now.end());
  if (!known) return std::optional(out);
  out.token = static_cast<std::size_t>(then - last.tokens_then.begin());
  out.then = text_around(call, model, last.tokens_then, *out.token);
  out.now = text_around(call, model, last.tokens_now, *out.token);
  return std::optional(out);
}

std::vector<std::string> changes_since(const Recording& recording, const Parts& today,
                                       const model::Model& model) {
  const Round& then = recording.rounds.front();
  const engine::ModelFacts facts = model.facts();
  std::vector<std::string> changes;
  const auto note = [&](const char* what, const std::string& was, const std::string& is) {
    if (!was.empty() && !is.empty() && was != is)
      changes.push_back(std::string(what) + " is " + is + ", was " + was);
  };
  note("Hearth", then.build, today.build);
  note("the model", then.model, model.name());
  note("the model's file", then.fingerprint.substr(0, 12), facts.fingerprint.substr(0, 12));
  const std::string was = chosen(then.numerics), is = chosen(model.numerics());
  note("the model's memory", was, is);
  if (was == is && !was.empty() && then.numerics != model.numerics())
    changes.emplace_back("the processor, or the build of llama.cpp, is another one");
  std::vector<store::Entry> known = recording.before;
  known.insert(known.end(), recording.said.begin(), recording.said.end());
  const std::string first = today.zone.text(context::instructions_of(known));
  if (first != then.first_message)
    changes.push_back("the instructions are others today: " +
                      first_other_line(first, then.first_message));
  const std::string tools = about_tools(today.zone.tools()), had = about_tools(then.tools);
  if (tools != had)
    changes.push_back("Hearth's tools are others today: " + first_other_line(tools, had));
  return changes;
}

}  // namespace hearth::agent
