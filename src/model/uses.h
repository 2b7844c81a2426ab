#pragma once
#include <cstdint>
#include <map>
#include <string>

#include "base/mutex.h"

namespace hearth::model {

/// What each model was used for since the start. Any thread.
class Uses {
 public:
  struct Use {
    std::uint64_t answers = 0;
    std::int64_t last_ms = 0;  // when the last one ended, since 1970, UTC; 0: there was none
  };

  /// A model has ended an answer.
  void note(const std::string& model, std::int64_t now_ms) {
    MutexLock lock(mutex_);
    Use& use = uses_[model];
    ++use.answers;
    use.last_ms = now_ms;
  }
  Use of(const std::string& model) const {
    MutexLock lock(mutex_);
    const auto found = uses_.find(model);
    return found == uses_.end() ? Use{} : found->second;
  }

 private:
  mutable Mutex mutex_;
  std::map<std::string, Use> uses_ GUARDED_BY(mutex_){};  // as many as there are models
};

}  // namespace hearth::model
