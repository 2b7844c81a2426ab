#pragma once
#include <cstddef>
#include <string_view>
#include <vector>

#include "chat/message.h"

namespace hearth::cli {

/// What was said in one chat, in order. A turn is a user's message and, once it came, the answer to
/// it.
class Conversation {
 public:
  explicit Conversation(std::string_view system = "");

  void add_user(std::string_view text);
  void add_assistant(std::string_view text);
  /// Takes back the last turn if it has no answer (it was cancelled or failed).
  void drop_unanswered();
  /// Forgets the oldest turn. False when only the last one is left; system text always stays.
  bool drop_oldest_turn();
  void clear();

  const std::vector<chat::Message>& messages() const { return messages_; }

 private:
  std::size_t system_count() const;
  std::vector<chat::Message> messages_;
};

}  // namespace hearth::cli
