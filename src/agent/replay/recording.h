#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/round.h"
#include "base/call.h"
#include "base/result.h"
#include "base/time_source.h"
#include "store/inbox.h"
#include "store/store.h"
#include "store/summaries.h"
#include "store/transcript.h"

namespace hearth::agent {

/// A turn that has been made, and all that it was made of.
struct Recording {
  store::Inbound message{};
  std::uint32_t turn = 0;
  std::vector<store::Entry> before{};       // what was said before it, as far as turns look back
  std::optional<store::Summary> summary{};  // that stood for the oldest part then
  std::vector<store::Entry> said{};         // in the turn
  std::vector<Round> rounds{};              // at least one
};

/// Errors: NotFound (the session has no such turn, or it is not kept any more), those of the store.
Result<Recording> read_recording(const Call& call, store::Store& store, const TimeSource& time,
                                 const std::string& session_id, std::uint32_t turn);

/// Puts a session as it was before the turn into another store, and the turn's message into its
/// inbox, begun. Errors: those of the store.
Result<store::Inbound> restore(const Call& call, const Recording& recording, store::Store& store,
                               const TimeSource& time);

}  // namespace hearth::agent
