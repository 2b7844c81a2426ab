#pragma once
#include <map>
#include <stop_token>
#include <string>

#include "base/mutex.h"
#include "base/result.h"

namespace hearth::api {

/// Answers that are made while nobody waits for them, by their ids. Any thread.
class Background {
 public:
  /// Beyond this many bytes of questions at a time more are refused.
  static constexpr std::size_t kBytesMax = std::size_t{64} << 20;
  static constexpr std::size_t kRunningMax = 256;

  /// One more, with so many bytes; what it gives fires when the answer is not wanted any more. One
  /// that is there already is given again. Errors: Busy.
  Result<std::stop_token> add(const std::string& id, std::size_t bytes);
  void note_started(const std::string& id);
  /// False: it still waits for the model, or it is none of these.
  bool has_started(const std::string& id) const;
  void cancel(const std::string& id);
  /// It has ended.
  void remove(const std::string& id);

 private:
  struct Entry {
    std::stop_source stop{};
    std::size_t bytes = 0;
    bool has_started = false;
  };

  mutable Mutex mutex_;
  std::map<std::string, Entry> entries_ GUARDED_BY(mutex_);
  std::size_t bytes_ GUARDED_BY(mutex_) = 0;  // of them all
};

}  // namespace hearth::api
