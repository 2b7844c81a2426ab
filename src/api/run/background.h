#pragma once
#include <map>
#include <stop_token>
#include <string>

#include "base/mutex.h"

namespace hearth::api {

/// Answers that are made while nobody waits for them, by their ids. Any thread.
class Background {
 public:
  /// One more; what it gives fires when the answer is not wanted any more.
  std::stop_token add(const std::string& id);
  void note_started(const std::string& id);
  /// False: it still waits for the model, or it is none of these.
  bool has_started(const std::string& id) const;
  void cancel(const std::string& id);
  /// It has ended.
  void remove(const std::string& id);

 private:
  struct Entry {
    std::stop_source stop{};
    bool has_started = false;
  };

  mutable Mutex mutex_;
  std::map<std::string, Entry> entries_ GUARDED_BY(mutex_);
};

}  // namespace hearth::api
