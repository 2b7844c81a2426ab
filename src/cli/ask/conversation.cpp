#include "cli/ask/conversation.h"

#include <algorithm>

#include "cli/ask/question.h"

namespace hearth::cli {

Conversation::Conversation(std::string_view system) {
  if (!system.empty()) messages_.push_back(said(chat::Role::System, system));
}

void Conversation::add_user(std::string_view text) {
  messages_.push_back(said(chat::Role::User, text));
}

void Conversation::add_assistant(std::string_view text) {
  messages_.push_back(said(chat::Role::Assistant, text));
}

void Conversation::drop_unanswered() {
  if (!messages_.empty() && messages_.back().role == chat::Role::User) messages_.pop_back();
}

bool Conversation::drop_oldest_turn() {
  const auto first = messages_.begin() + static_cast<std::ptrdiff_t>(system_count());
  if (first == messages_.end()) return false;
  const auto next = std::find_if(first + 1, messages_.end(), [](const chat::Message& message) {
    return message.role == chat::Role::User;
  });
  if (next == messages_.end()) return false;
  messages_.erase(first, next);
  return true;
}

void Conversation::clear() { messages_.resize(system_count()); }

std::size_t Conversation::system_count() const {
  return !messages_.empty() && messages_.front().role == chat::Role::System ? 1 : 0;
}

}  // namespace hearth::cli
