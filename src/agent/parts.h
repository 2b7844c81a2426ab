#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "agent/toolbox.h"
#include "base/call.h"
#include "base/mutex.h"
#include "base/result.h"
#include "base/time_source.h"
#include "chat/generation.h"
#include "context/static_zone.h"
#include "context/window.h"
#include "model/model.h"
#include "store/store.h"

namespace hearth::agent {

/// How many tokens each static zone is, as models have told. Any thread.
class StaticSizes {
 public:
  /// `assumed`: of those that nobody has told yet.
  explicit StaticSizes(std::uint32_t assumed = 0) : assumed_(assumed) {}
  /// 0: nobody knows yet.
  std::uint32_t of(const std::string& static_id) const {
    MutexLock lock(mutex_);
    const auto found = tokens_.find(static_id);
    return found == tokens_.end() ? assumed_ : found->second;
  }
  void note(const std::string& static_id, std::uint32_t tokens) {
    MutexLock lock(mutex_);
    if (tokens_.size() >= kZonesMax) tokens_.clear();  // clients bring ever new ones
    tokens_[static_id] = tokens;
  }

 private:
  static constexpr std::size_t kZonesMax = 1'000;
  const std::uint32_t assumed_;
  mutable Mutex mutex_;
  std::map<std::string, std::uint32_t> tokens_ GUARDED_BY(mutex_);
};

/// What turns are made with. All of it outlives them.
struct Parts {
  store::Store& store;
  const TimeSource& time;
  /// The model of this name, the first for "", or nullptr.
  std::function<model::Model*(std::string_view)> find_model;
  /// What a message asks of the model (Options::request) for its owner: sampling, bounds, the
  /// client's tools; without messages. A turn reads them again after a restart. Any thread.
  std::function<Result<chat::Request>(std::string_view request, const std::string& owner)>
      read_request;
  const Toolbox* toolbox = nullptr;     // Hearth's own tools; null: none
  const ToolCalls* recorded = nullptr;  // in place of the toolbox: what it did, not done again
  std::uint32_t rounds_max = 8;         // of tools in one turn; then it answers with what it knows
  Millis turn_timeout{600'000};
  context::StaticZone zone{{}};  // with the toolbox's tools
  context::Window window{};
  bool shows_date = true;          // with each message
  std::uint32_t memories_max = 3;  // that are shown unasked
  std::string summary_model{};     // its name; empty: the session's own
  std::string build{};             // of Hearth, as journals name it
  std::shared_ptr<StaticSizes> static_sizes = std::make_shared<StaticSizes>();

  /// What makes the calls of Hearth's own tools, or nullptr.
  const ToolCalls* calls() const { return recorded ? recorded : toolbox; }
};

}  // namespace hearth::agent
