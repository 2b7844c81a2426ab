#include "api/run/background.h"

namespace hearth::api {

Result<std::stop_token> Background::add(const std::string& id, std::size_t bytes) {
  MutexLock lock(mutex_);
  if (const auto known = entries_.find(id); known != entries_.end())
    return known->second.stop.get_token();
  if (entries_.size() >= kRunningMax || bytes_ + bytes > kBytesMax)
    return Error{Code::Busy, "too many answers are made in the background (" +
                                 std::to_string(kRunningMax) + ", or " +
                                 std::to_string(kBytesMax >> 20) + " MiB of questions)"};
  bytes_ += bytes;
  Entry& entry = entries_[id];
  entry.bytes = bytes;
  return entry.stop.get_token();
}

void Background::note_started(const std::string& id) {
  MutexLock lock(mutex_);
  if (const auto entry = entries_.find(id); entry != entries_.end())
    entry->second.has_started = true;
}

bool Background::has_started(const std::string& id) const {
  MutexLock lock(mutex_);
  const auto entry = entries_.find(id);
  return entry != entries_.end() && entry->second.has_started;
}

void Background::cancel(const std::string& id) {
  std::stop_source stop(std::nostopstate);
  {
    MutexLock lock(mutex_);
    if (const auto entry = entries_.find(id); entry != entries_.end()) stop = entry->second.stop;
  }
  stop.request_stop();  // without the lock, since it calls whoever listens
}

void Background::remove(const std::string& id) {
  MutexLock lock(mutex_);
  const auto entry = entries_.find(id);
  if (entry == entries_.end()) return;
  bytes_ -= entry->second.bytes;
  entries_.erase(entry);
}

}  // namespace hearth::api
