#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "base/call.h"
#include "base/result.h"
#include "base/time_source.h"
#include "store/store.h"

namespace hearth::store {

/// What the model is shown in place of the messages before `number`.
struct Summary {
  std::string session_id;
  std::uint32_t number = 0;  // of the first message that it does not stand for
  std::string text;
  std::string model{};              // that wrote it; empty: nobody
  std::uint32_t before_tokens = 0;  // of the history
  std::uint32_t after_tokens = 0;
  bool told = false;            // its owner knows
  std::int64_t created_ms = 0;  // since 1970, UTC; given by put()
};

/// Summaries of conversations. The messages stay in the transcript, marked as archived, and
/// searches find them. Any thread; the store and the clock must outlive it. Errors besides those
/// named: those of Writer::write and Readers::read.
class Summaries {
 public:
  static constexpr std::size_t kTextBytesMax = 32 * 1024;

  Summaries(Store& store, const TimeSource& time) : store_(store), time_(time) {}

  /// Archives the messages before its number and puts it in their place, in one transaction.
  /// Errors: NotFound (no such session), TooLarge (`text`).
  Result<void> put(const Call& call, const Summary& summary);
  /// The one that stands for most messages.
  Result<std::optional<Summary>> latest(const Call& call, const std::string& session_id);
  /// The one that stands for the messages before `number`, if there is one.
  Result<std::optional<Summary>> find(const Call& call, const std::string& session_id,
                                      std::uint32_t number);
  /// Its owner knows of all of them.
  Result<void> mark_told(const Call& call, const std::string& session_id);

 private:
  Store& store_;
  const TimeSource& time_;
};

}  // namespace hearth::store
