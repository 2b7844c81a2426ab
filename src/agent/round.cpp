#include "agent/round.h"

#include <algorithm>
#include <span>

#include "base/fields.h"
#include "chat/message_json.h"
#include "vault/secret.h"
#include "vault/sha256.h"

namespace hearth::agent {
namespace {

void add_tokens(vault::Sha256& sum, std::span<const chat::Token> tokens) {
  for (const chat::Token token : tokens) sum.add(std::to_string(token) + " ");
}

/// Where tokens are not known: what the model was shown.
std::string digest_of(const chat::Conversation& asked) {
  vault::Sha256 sum;
  for (const chat::Message& message : asked.messages) sum.add_part(chat::message_text(message));
  for (const chat::Tool& tool : asked.tools)
    for (const std::string* text : {&tool.name, &tool.description, &tool.parameters, &tool.outline})
      sum.add_part(*text);
  sum.add_part(asked.tail);
  return sum.hex();
}

/// The ids of calls are random.
void add_words(vault::Sha256& sum, const chat::Message& said, chat::FinishReason reason) {
  sum.add_part(said.content);
  sum.add_part(said.reasoning);
  for (const chat::ToolCall& call : said.tool_calls) {
    sum.add_part(call.name);
    sum.add_part(call.arguments);
  }
  sum.add_part(chat::finish_reason_name(reason));
}

Json tools_json(const std::vector<chat::Tool>& tools) {
  Json all = Json::array();
  for (const chat::Tool& tool : tools)
    all.push_back({{"name", tool.name},
                   {"description", tool.description},
                   {"parameters", tool.parameters},
                   {"outline", tool.outline}});
  return all;
}

Error damaged() { return {Code::Corrupt, "the journal of this turn cannot be read"}; }

Result<std::vector<chat::Tool>> tools_of(const std::string& text) {
  TRY(const Json all, parse_json(text, "tools"));
  std::vector<chat::Tool> tools;
  for (const Json& one : all)
    tools.push_back({chat::text_in(one, "name"), chat::text_in(one, "description"),
                     chat::text_in(one, "parameters"), chat::text_in(one, "outline")});
  return tools;
}

store::JournalText shared(std::string text) {
  std::string digest = vault::sha256_hex(text);
  return {std::move(digest), std::move(text)};
}

Json details_of(const Round& round, const std::string& first_message, const std::string& tools) {
  return {{"begins", round.begins},
          {"build", round.build},
          {"model", round.model},
          {"fingerprint", round.fingerprint},
          {"numerics", round.numerics},
          {"seed", round.seed},
          {"day", round.day},
          {"first_message", first_message},
          {"tools", tools},
          {"tail", round.tail},
          {"static_tokens", round.static_tokens},
          {"archived", round.archived},
          {"prompt_tokens", round.usage.prompt_tokens},
          {"cached_tokens", round.usage.cached_tokens},
          {"completion_tokens", round.usage.completion_tokens},
          {"seen_tokens", round.seen_tokens},
          {"tokens", round.tokens}};
}

Result<std::uint32_t> whole(const Fields& fields, const char* name) {
  TRY(const std::int64_t value, fields.whole_or(name, 0, {0, UINT32_MAX}));
  return static_cast<std::uint32_t>(value);
}

Result<void> read_numbers(const Fields& fields, Round& round) {
  TRY(round.begins, fields.flag_or("begins", false));
  TRY(round.seed, whole(fields, "seed"));
  TRY(round.day, fields.whole_or("day", 0, {0, chat::kDayMax}));
  TRY(round.static_tokens, whole(fields, "static_tokens"));
  TRY(round.archived, whole(fields, "archived"));
  TRY(round.usage.prompt_tokens, whole(fields, "prompt_tokens"));
  TRY(round.usage.cached_tokens, whole(fields, "cached_tokens"));
  TRY(round.usage.completion_tokens, whole(fields, "completion_tokens"));
  TRY(round.seen_tokens, whole(fields, "seen_tokens"));
  TRY(const Json* tokens, fields.array("tokens", SIZE_MAX));
  for (const Json& token : tokens ? *tokens : Json::array()) {
    if (!token.is_number_integer()) return damaged();
    round.tokens.push_back(token.get<chat::Token>());
  }
  return ok();
}

Result<std::string> shared_text(const Call& call, store::Journal& journal,
                                const std::string& digest) {
  TRY(auto text, journal.text(call, digest));
  if (!text) return damaged();
  return *std::move(text);
}

Result<Round> read_round(const Call& call, store::Journal& journal, const store::JournalRow& row) {
  TRY(const Json details, parse_json(row.details, "journal"));
  TRY(const Fields fields, Fields::of(details));
  Round round{.number = row.round,
              .build = chat::text_in(details, "build"),
              .model = chat::text_in(details, "model"),
              .fingerprint = chat::text_in(details, "fingerprint"),
              .numerics = chat::text_in(details, "numerics"),
              .tail = chat::text_in(details, "tail"),
              .inputs_digest = row.inputs_digest,
              .answer_digest = row.answer_digest};
  TRY_VOID(read_numbers(fields, round));
  TRY(round.first_message, shared_text(call, journal, chat::text_in(details, "first_message")));
  TRY(const std::string tools, shared_text(call, journal, chat::text_in(details, "tools")));
  TRY(round.tools, tools_of(tools));
  return round;
}

}  // namespace

void add_to(chat::Usage& sum, const chat::Usage& usage) {
  sum.prompt_tokens += usage.prompt_tokens;
  sum.cached_tokens += usage.cached_tokens;
  sum.completion_tokens += usage.completion_tokens;
  sum.cache_written_tokens += usage.cache_written_tokens;
}

Round round_of(const model::Model& model, const chat::Request& asked, const model::Answer& answer) {
  const auto& talk = std::get<chat::Conversation>(asked.prompt);
  const engine::ModelFacts facts = model.facts();
  const chat::Trace& trace = answer.finished.trace;
  Round round{.model = model.name(),
              .fingerprint = facts.fingerprint,
              .numerics = model.numerics(),
              .seed = answer.started.seed,
              .day = asked.day.value_or(0),
              .first_message = talk.messages.empty() ? "" : talk.messages.front().content,
              .tail = talk.tail,
              .tokens = trace.tokens,
              .usage = answer.finished.usage};
  vault::Sha256 answered;
  if (trace.tokens.empty()) {
    round.inputs_digest = digest_of(talk);
  } else {
    std::vector<chat::Token> all;
    if (trace.follows_seen) all = talk.seen.tokens;
    round.seen_tokens = static_cast<std::uint32_t>(all.size());
    all.insert(all.end(), trace.tokens.begin(), trace.tokens.end());
    const std::span<const chat::Token> known(all);
    const std::size_t border = std::min<std::size_t>(round.usage.prompt_tokens, all.size());
    vault::Sha256 prompt;
    add_tokens(prompt, known.first(border));
    round.inputs_digest = prompt.hex();
    add_tokens(answered, known.subspan(border));
  }
  add_words(answered, answer.message, answer.finished.reason);
  round.answer_digest = answered.hex();
  return round;
}

Result<void> keep_round(const Call& call, store::Journal& journal, const std::string& session_id,
                        std::uint32_t turn, const Round& round) {
  const auto first = shared(round.first_message);
  const auto tools = shared(chat::json_text(tools_json(round.tools)));
  return journal.add(call,
                     {.session_id = session_id,
                      .turn = turn,
                      .round = round.number,
                      .inputs_digest = round.inputs_digest,
                      .details = chat::json_text(details_of(round, first.digest, tools.digest)),
                      .answer_digest = round.answer_digest},
                     {first, tools});
}

Result<std::vector<Round>> kept_rounds(const Call& call, store::Journal& journal,
                                       const std::string& session_id, std::uint32_t turn) {
  TRY(const auto rows, journal.list(call, session_id, turn));
  std::vector<Round> rounds;
  for (const store::JournalRow& row : rows) {
    TRY(Round round, read_round(call, journal, row));
    rounds.push_back(std::move(round));
  }
  return rounds;
}

}  // namespace hearth::agent
