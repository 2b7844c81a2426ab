#pragma once
#include <cstddef>
#include <cstdint>

namespace hearth::chat {

/// What an answer is made for, where it costs something: a turn of a talk, what a tool asks, a
/// summary, a look around that nobody asked for.
enum class Purpose : std::uint8_t { Chat, Tool, Compaction, Heartbeat };
inline constexpr std::size_t kPurposes = 4;

/// "chat", "tool", "compaction", "heartbeat".
constexpr const char* purpose_name(Purpose purpose) {
  constexpr const char* kNames[kPurposes] = {"chat", "tool", "compaction", "heartbeat"};
  return kNames[static_cast<std::size_t>(purpose)];
}

}  // namespace hearth::chat
