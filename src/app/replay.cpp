#include "app/replay.h"

#include "api/api.h"
#include "app/assistant.h"
#include "app/scratch.h"
#include "base/time_source.h"
#include "context/static_zone.h"
#include "store/sessions.h"
#include "store/transcript.h"

namespace hearth::app {
namespace {

Result<std::uint32_t> last_turn(const Call& call, store::Store& store, const TimeSource& time,
                                const std::string& session_id) {
  store::Transcript transcript(store, time);
  TRY(const auto last, transcript.read_last(call, session_id, 1));
  if (last.empty()) return Error{Code::NotFound, "nothing was said in this session yet"};
  return last.front().turn;
}

/// What the instructions and tools are today, if there are tools as there were then: tools are the
/// same for each workspace.
Result<context::StaticZone> zone_of(config::Config config, Scratch& scratch, const TimeSource& time,
                                    const agent::Recording& recording) {
  config.data_dir = scratch.data_dir();
  config.tools.workspace.clear();
  if (!recording.rounds.front().tools.empty()) config.tools.workspace = {scratch.workspace()};
  context::StaticZone::Parts parts{.instructions = config.context.instructions};
  TRY(const auto assistant, Assistant::open(config, scratch.store(), time));
  if (assistant) parts.tools = assistant->toolbox().offered();
  return context::StaticZone(std::move(parts));
}

}  // namespace

Result<ReplayReport> replay_turn(const Call& call, const config::Config& config,
                                 store::Store& store, model::Model& model,
                                 const std::string& session, std::optional<std::uint32_t> turn) {
  const SystemTime time;
  store::Sessions sessions(store, time);
  TRY(const store::Session found, sessions.find_any(call, session));
  ReplayReport report{.session_id = found.id, .turn = turn.value_or(0)};
  if (!turn) {
    TRY(report.turn, last_turn(call, store, time, found.id));
  }
  TRY(const agent::Recording recording,
      agent::read_recording(call, store, time, found.id, report.turn));
  TRY(const auto scratch, Scratch::make());
  TRY(auto zone, zone_of(config, *scratch, time, recording));
  const agent::Parts parts{
      .store = scratch->store(),
      .time = time,
      .find_model = [&model](std::string_view) { return &model; },
      .read_request = api::read_session_request,
      .rounds_max = config.agent.rounds_max,
      .turn_timeout = config.agent.turn_timeout,
      .zone = std::move(zone),
      .window = {config.context.history_tokens_max, config.context.recent_messages_max},
      .build = HEARTH_VERSION};
  TRY(report.replayed, agent::replay(call, recording, parts));
  TRY(report.difference, agent::first_difference(call, report.replayed, model));
  report.changes = agent::changes_since(recording, parts, model);
  return report;
}

}  // namespace hearth::app
