#include "app/replay.h"

#include "app/assistant.h"
#include "app/scratch.h"
#include "base/time_source.h"
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

/// The settings of today, with tools if there were some then: they are the same for each workspace.
config::Config settings_for(config::Config config, const Scratch& scratch,
                            const agent::Recording& recording) {
  config.data_dir = scratch.data_dir();
  config.tools.workspace.clear();
  if (!recording.rounds.front().tools.empty()) config.tools.workspace = {scratch.workspace()};
  return config;
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
  const config::Config settings = settings_for(config, *scratch, recording);
  TRY(const auto assistant, Assistant::open(settings, scratch->store(), time));
  const auto find_model = [&model](std::string_view) { return &model; };
  const agent::Parts parts =
      turn_parts(settings, scratch->store(), time, find_model, assistant.get());
  TRY(report.replayed, agent::replay(call, recording, parts));
  TRY(report.difference, agent::first_difference(call, report.replayed, model));
  report.changes = agent::changes_since(recording, parts, model);
  return report;
}

}  // namespace hearth::app
