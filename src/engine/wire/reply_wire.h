#pragma once
#include <cstdint>
#include <nlohmann/json.hpp>

#include "base/fields.h"
#include "base/result.h"
#include "engine/frames.h"

/// Replies as JSON values (which frames.cpp packs), and back with every field checked.
namespace hearth::engine::wire {

/// The type byte of each reply. A number that was used once is never given to another meaning, and
/// none is a request's too, so that a frame sent the wrong way is refused.
enum class ReplyType : std::uint8_t {
  LoadProgress = 65,
  Loaded = 66,
  LoadFailed = 67,
  GenerateEvent = 68,
  Embedded = 69,
  Tokens = 70,
  Text = 71,
  StatsReply = 72,
  RequestFailed = 73,
  SnapshotStats = 74,
};

ReplyType reply_type(const Reply& reply);
nlohmann::ordered_json reply_body(const Reply& reply);
/// Errors: InvalidInput.
Result<Reply> read_reply(std::uint8_t type, const nlohmann::ordered_json& body);

/// A chat::Event alone, as the fields of a GenerateEvent.
void add_event(nlohmann::ordered_json& body, const chat::Event& event);
Result<chat::Event> read_event(const Fields& fields);

}  // namespace hearth::engine::wire
