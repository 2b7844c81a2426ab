#include "agent/idle_work.h"

#include "base/log.h"
#include "context/summary.h"
#include "context/window.h"

namespace hearth::agent {

void IdleWork::run(const Call& call, bool had_tail) {
  if (context::is_filling(talk_.history_tokens(), talk_.history_budget())) {
    if (const auto cut = talk_.cut_before()) {
      const auto done = compact(call, *cut);
      if (!done.ok()) log::info("older messages stay for now: {}", done.error().message);
      return;
    }
  }
  chat::Conversation next = talk_.conversation();
  const bool whole = next.seen.messages == next.messages.size();
  if (!had_tail || !whole || !model_.is_local()) return;
  const auto computed = compute(call, chat::PlainTokens{std::move(next.seen.tokens)});
  if (!computed.ok()) log::debug("not computed ahead: {}", computed.error().message);
}

/// The summary stands at the border of the static zone and the history, so that what follows it is
/// computed anew, once.
Result<void> IdleWork::compact(const Call& call, std::uint32_t cut) {
  std::string writer;
  TRY(std::string text, summarise(call, cut, writer));
  TRY(store::Summary summary, talk_.archive_before(call, cut, std::move(text), writer));
  log::info("messages before {} went to the archive, {} tokens are about {} now", cut,
            summary.before_tokens, summary.after_tokens);
  return model_.is_local() ? compute(call, talk_.conversation()) : ok();
}

/// Without a summary to be had, a line says where the messages are. Errors: Cancelled, Timeout:
/// there may be one later.
Result<std::string> IdleWork::summarise(const Call& call, std::uint32_t cut, std::string& writer) {
  std::vector<store::Entry> older;
  for (const store::Entry& entry : talk_.entries())
    if (entry.number < cut) older.push_back(entry);
  model::Model* cheap =
      parts_.summary_model.empty() ? &model_ : parts_.find_model(parts_.summary_model);
  if (!cheap) cheap = &model_;
  chat::Request wanted = context::summary_request(older, talk_.summary(), cheap->context_tokens());
  wanted.purpose = chat::Purpose::Compaction;
  wanted.session = talk_.session_id();
  const auto answer = model::generate(call, *cheap, std::move(wanted));
  const bool stopped = !answer.ok() && (answer.error().code == Code::Cancelled ||
                                        answer.error().code == Code::Timeout);
  if (stopped) return answer.error();
  const auto text = answer.ok() ? context::summary_in(answer.value().message) : std::nullopt;
  if (!text) return context::archive_line(cut, talk_.summary());
  writer = cheap->name();
  return *text;
}

/// One token more than the prompt: what was computed stays, on disk too.
Result<void> IdleWork::compute(const Call& call, chat::Prompt prompt) {
  chat::Request request{.prompt = std::move(prompt)};
  request.sampling.temperature = 0;
  request.tokens_max = 1;
  request.cache.persist = true;
  request.purpose = chat::Purpose::Compaction;
  request.session = talk_.session_id();
  const auto answer = model::generate(call, model_, std::move(request));
  return answer.ok() ? ok() : Result<void>(answer.error());
}

}  // namespace hearth::agent
