#include "api/run/background.h"

namespace hearth::api {

std::stop_token Background::add(const std::string& id) {
  MutexLock lock(mutex_);
  return entries_[id].stop.get_token();
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
  entries_.erase(id);
}

}  // namespace hearth::api
