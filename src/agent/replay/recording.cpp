#include "agent/replay/recording.h"

#include <algorithm>

#include "agent/talk.h"
#include "store/sessions.h"

namespace hearth::agent {
namespace {

/// As far as a turn looks back, and the session's instructions.
Result<std::vector<store::Entry>> said_before(const Call& call, store::Transcript& transcript,
                                              const std::string& session_id, std::uint32_t number) {
  const std::uint32_t most = Talk::kHistoryMax + 1;
  const std::uint32_t begin = number > most ? number - most : 0;
  TRY(auto entries, transcript.read(call, session_id, begin, number - begin));
  std::erase_if(entries, [number](const store::Entry& entry) { return entry.number >= number; });
  if (begin == 0) return entries;
  TRY(auto first, transcript.read(call, session_id, 0, 1));
  if (!first.empty() && first.front().message.role == chat::Role::System)
    entries.insert(entries.begin(), std::move(first.front()));
  return entries;
}

/// Messages are numbered anew where they are put: the first ones may not be kept any more.
std::uint32_t number_there(const std::vector<store::Entry>& entries, std::uint32_t number) {
  return static_cast<std::uint32_t>(std::ranges::count_if(
      entries, [number](const store::Entry& entry) { return entry.number < number; }));
}

}  // namespace

Result<Recording> read_recording(const Call& call, store::Store& store, const TimeSource& time,
                                 const std::string& session_id, std::uint32_t turn) {
  store::Transcript transcript(store, time);
  store::Journal journal(store, time);
  store::Inbox inbox(store, time);
  store::Summaries summaries(store, time);
  Recording out{.turn = turn};
  TRY(out.rounds, kept_rounds(call, journal, session_id, turn));
  TRY(out.said, transcript.read_turn(call, session_id, turn));
  if (out.rounds.empty() || out.said.empty())
    return Error{Code::NotFound, "there is no journal of turn " + std::to_string(turn) +
                                     ": the model was not asked in it, or it is not kept any more "
                                     "(store.journal_days_max)"};
  TRY(out.message, inbox.of_turn(call, session_id, turn));
  TRY(out.before, said_before(call, transcript, session_id, out.said.front().number));
  const std::uint32_t archived = out.rounds.front().archived;
  if (archived > 0) {
    TRY(out.summary, summaries.find(call, session_id, archived));
  }
  return out;
}

Result<store::Inbound> restore(const Call& call, const Recording& recording, store::Store& store,
                               const TimeSource& time) {
  store::Sessions sessions(store, time);
  store::Transcript transcript(store, time);
  store::Inbox inbox(store, time);
  store::Summaries summaries(store, time);
  store::Offer offer = recording.message.offer;
  offer.key = std::nullopt;
  TRY(const store::Session session, sessions.create(call, offer.owner));
  offer.session_id = session.id;
  if (!recording.before.empty()) TRY_VOID(transcript.append(call, session.id, recording.before));
  if (recording.summary) {
    store::Summary summary = *recording.summary;
    summary.session_id = session.id;
    summary.number = number_there(recording.before, summary.number);
    summary.told = true;
    TRY_VOID(summaries.put(call, summary));
  }
  TRY_VOID(inbox.accept(call, offer));
  TRY(auto begun, inbox.begin(call, session.id));
  if (!begun) return Error{Code::Internal, "the message of the turn was not begun"};
  return *std::move(begun);
}

}  // namespace hearth::agent
