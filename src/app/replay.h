#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/replay/replay.h"
#include "base/call.h"
#include "base/result.h"
#include "config/config.h"
#include "model/model.h"
#include "store/store.h"

namespace hearth::app {

/// A turn of a session that was made again, and what to make of it.
struct ReplayReport {
  std::string session_id;
  std::uint32_t turn = 0;
  agent::Replayed replayed{};
  std::optional<agent::Difference> difference{};
  std::vector<std::string> changes{};  // since then; see agent::changes_since()
};

/// Makes a turn of `store` again with `model`, outside of any daemon; nothing is changed and no
/// tool is run. `session`: its name or id. `turn`: absent: the last one. Errors: NotFound (no such
/// session or turn, or it is not kept any more), those of agent::replay().
Result<ReplayReport> replay_turn(const Call& call, const config::Config& config,
                                 store::Store& store, model::Model& model,
                                 const std::string& session, std::optional<std::uint32_t> turn);

}  // namespace hearth::app
