#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/parts.h"
#include "base/call.h"
#include "base/result.h"
#include "chat/generation.h"
#include "context/history.h"
#include "model/model.h"
#include "store/summaries.h"
#include "store/transcript.h"

namespace hearth::agent {

/// One session's conversation, as its model is shown it. One thread; the parts outlive it.
class Talk {
 public:
  static constexpr std::size_t kHistoryMax = 1'000;  // messages; chat::kMessagesMax with the rest

  Talk(const Parts& parts, std::string session_id);

  const std::string& session_id() const { return session_id_; }

  /// What was said and is not in the archive. Errors: those of the store.
  Result<void> read(const Call& call);
  /// Whose prompt it becomes, and the tools that the client brings. Outlives this.
  void speak_with(const model::Model& model, std::vector<chat::Tool> clients);

  const std::vector<store::Entry>& entries() const { return entries_; }
  const std::optional<store::Summary>& summary() const { return summary_; }
  /// Names what its tokens follow; see context::prefix_id().
  const std::string& prefix_id() const { return prefix_id_; }
  /// Said in this turn; written into the transcript by whoever adds it.
  void add(store::Entry entry);
  /// The last one, which is changed before it is written.
  store::Entry& last() { return entries_.back(); }
  /// Takes the last `count` away again.
  void drop_last(std::size_t count);
  /// What was said last before this turn was said with other tools of Hearth's own.
  bool has_other_tools() const;

  /// The static zone, the history and all tools. Behind it belong the tail and the choice of tools.
  chat::Conversation conversation() const;
  /// The same without all that was said before this turn.
  chat::Conversation conversation_of(std::uint32_t turn) const;
  /// Whether others begin with the same static zone, byte for byte.
  bool is_plain() const { return instructions_.empty() && clients_.empty(); }

  /// Of the static zone, once a call of the model has told; 0 before.
  std::uint32_t static_tokens() const;
  void note_static_tokens(std::uint32_t tokens);
  /// Which static zone that is.
  const std::string& static_id() const { return static_id_; }
  std::uint32_t history_tokens() const;
  std::uint32_t history_budget() const;
  /// See context::cut_before().
  std::optional<std::uint32_t> cut_before() const;

  /// Makes the messages before `number` go, and has `text` stand for them. `model`: that wrote it;
  /// empty: nobody. Errors: those of the store.
  Result<store::Summary> archive_before(const Call& call, std::uint32_t number, std::string text,
                                        std::string model);
  /// As much as it takes to have room again, with a line that says so. Errors: TooLarge (nothing
  /// older is left), those of the store.
  Result<store::Summary> make_room(const Call& call);

 private:
  void name_prefix();
  chat::Conversation conversation_with(context::History history) const;

  const Parts& parts_;
  const std::string session_id_;
  std::vector<store::Entry> entries_{};
  std::optional<store::Summary> summary_{};
  std::string instructions_{};
  std::vector<chat::Tool> clients_{};
  const model::Model* model_ = nullptr;
  std::string static_id_{}, prefix_id_{};
};

}  // namespace hearth::agent
