#pragma once
#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/call.h"
#include "base/result.h"
#include "cli/approvals/approval.h"
#include "cli/ask/daemon_client.h"

namespace hearth::cli {

/// A session as a daemon tells of it.
struct SessionFacts {
  std::string id;
  std::string name{};  // empty: it has none
  std::string state{};
  std::int64_t created_s = 0, used_s = 0;  // since 1970, UTC
  std::int64_t messages = 0;               // said in it so far
  nlohmann::ordered_json json{};           // all that was told

  /// What a person calls it: its name, else its id.
  const std::string& label() const { return name.empty() ? id : name; }
};

/// The sessions that a daemon keeps for this user. Borrows the client. A `key` is a session's id
/// or its name. Any thread. Errors besides those named: net::fetch's, and what the daemon says.
class Directory {
 public:
  static constexpr std::size_t kNameBytesMax = 120;      // of one that free_name() makes
  static constexpr std::uint64_t kNumbersMax = 100'000;  // that it tries

  explicit Directory(const DaemonClient& client) : client_(client) {}

  /// nullopt if there is none. Errors: InvalidInput (the key is empty).
  Result<std::optional<SessionFacts>> find(const Call& call, const std::string& key) const;
  /// Errors: NotFound; InvalidInput as find().
  Result<SessionFacts> require(const Call& call, const std::string& key) const;
  /// All, last used first.
  Result<std::vector<SessionFacts>> list(const Call& call) const;
  /// The one that was used last, if there is any.
  Result<std::optional<SessionFacts>> latest(const Call& call) const;
  /// `base` if no session is called so, else "base-2", "base-3", … A number that `base` ends in is
  /// counted up. Errors: Busy (kNumbersMax are taken).
  Result<std::string> free_name(const Call& call, const std::string& base) const;

  using OnMessage = std::function<void(const nlohmann::ordered_json& message)>;
  /// Every message, in order, read in pages.
  Result<void> each_message(const Call& call, const std::string& id,
                            const OnMessage& on_message) const;
  /// The last `count`, in order.
  Result<std::vector<nlohmann::ordered_json>> last_messages(const Call& call, const std::string& id,
                                                            std::size_t count) const;

  /// What its model is shown: the answer of GET /v1/sessions/{id}/context. Errors: Unavailable (it
  /// is no such answer).
  Result<nlohmann::ordered_json> context(const Call& call, const std::string& id) const;

  Result<void> remove(const Call& call, const std::string& id) const;
  /// Stops the one message that was sent with this key, or whose turn it is.
  Result<void> cancel(const Call& call, const std::string& id, const std::string& key) const;
  Result<void> cancel(const Call& call, const std::string& id, std::uint32_t turn) const;
  /// What waits for a decision, in all sessions or in one; oldest first.
  Result<std::vector<Approval>> approvals(const Call& call, const std::string& id = "") const;
  /// The answer of GET /v1/search. Errors: InvalidInput (no words, too many).
  Result<nlohmann::ordered_json> search(const Call& call, const std::string& words,
                                        std::size_t limit) const;

 private:
  Result<nlohmann::ordered_json> read_page(const Call& call, const std::string& id,
                                           std::uint64_t from, std::size_t& limit) const;
  const DaemonClient& client_;
};

/// "work-7" is "work" and 7, "work" is "work" and 1. Pure.
std::pair<std::string, std::uint64_t> name_and_number(const std::string& name);

}  // namespace hearth::cli
