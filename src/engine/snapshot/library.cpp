#include "engine/snapshot/library.h"

#include <algorithm>

#include "base/log.h"

namespace hearth::engine::snapshot {

Library::Library(Options options, OnChange on_change)
    : options_(std::move(options)),
      on_change_(std::move(on_change)),
      directory_(options_.directory, options_.fingerprint) {
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

Library::~Library() {
  thread_.request_stop();
  thread_.join();
}

// ---- any thread -------------------------------------------------------------------------------

void Library::wait_until_known(const Call& call) {
  const MutexLock lock(mutex_);
  changed_.wait_until(mutex_, call.stop, call.deadline,
                      [this]() REQUIRES(mutex_) { return known_; });
}

Chain Library::longest(std::span<const chat::Token> tokens, Tree::Last last) {
  const MutexLock lock(mutex_);
  look_again_ = true;  // another process may have written meanwhile; the next prompt profits
  changed_.notify_all();
  return tree_.longest(tokens, last);
}

void Library::save(std::vector<Segment> segments) {
  std::uint64_t bytes = 0;
  for (const Segment& segment : segments) bytes += file_bytes(segment.header);
  const MutexLock lock(mutex_);
  if (bytes > options_.bytes_max || unwritten_bytes_ + bytes > kUnwrittenBytesMax) {
    numbers_.skipped += segments.size();
    report_ = true;
    return changed_.notify_all();
  }
  for (const Segment& segment : segments) {
    if (tree_.add(segment.header)) unwritten_.insert(segment.header.name);
  }
  unwritten_bytes_ += bytes;
  saves_.push_back(std::move(segments));
  changed_.notify_all();
}

bool Library::load(const Chain& chain, OnLoaded done) {
  const MutexLock lock(mutex_);
  if (loads_.size() == kLoadsMax) return false;
  loads_.push_back({chain, std::move(done)});
  changed_.notify_all();
  return true;
}

void Library::note_restored(std::size_t segments, std::uint32_t tokens) {
  const MutexLock lock(mutex_);
  numbers_.restored += segments;
  numbers_.restored_tokens += tokens;
  report_ = true;
  changed_.notify_all();
}

void Library::note_skipped(std::size_t segments) {
  const MutexLock lock(mutex_);
  numbers_.skipped += segments;
  report_ = true;
  changed_.notify_all();
}

void Library::refuse(const Segment& segment) {
  const MutexLock lock(mutex_);
  tree_.remove(segment.header.name);
  refused_.push_back(directory_.entry_of(segment.header.name, segment.header.start));
  ++numbers_.refused;
  report_ = true;
  changed_.notify_all();
}

Library::Numbers Library::numbers() const {
  const MutexLock lock(mutex_);
  return numbers_;
}

// ---- the library's thread ---------------------------------------------------------------------

void Library::run(const std::stop_token& stop) {
  look_through();
  for (;;) {
    std::optional<Load> load;
    std::optional<std::vector<Segment>> save;
    std::vector<Entry> refused;
    bool look = false;
    {
      const MutexLock lock(mutex_);
      known_ = true;
      changed_.notify_all();
      changed_.wait(mutex_, stop, [this]() REQUIRES(mutex_) {
        return !loads_.empty() || !saves_.empty() || !refused_.empty() || look_again_ || report_;
      });
      if (stop.stop_requested() && saves_.empty()) return;
      refused.swap(refused_);
      report_ = false;
      // Somebody waits for what is read, and nobody for what is written.
      if (!loads_.empty() && !stop.stop_requested()) {
        load = std::move(loads_.front());
        loads_.pop_front();
      } else if (!saves_.empty()) {
        save = std::move(saves_.front());
        saves_.pop_front();
      } else {
        look = std::exchange(look_again_, false);
      }
    }
    for (const Entry& entry : refused) directory_.remove(entry);
    if (load) read(*load);
    if (save) write(*save);
    if (look) look_again();
    report();
  }
}

void Library::look_again() {
  if (directory_.changed_ns() != seen_ns_) look_through();
}

/// Brings the tree in line with what lies in the directory.
void Library::look_through() {
  seen_ns_ = directory_.changed_ns();
  std::vector<Entry> entries = directory_.list();
  drop_vanished(entries);
  std::uint64_t bytes = 0;
  for (const Entry& entry : entries) bytes += entry.bytes;
  // Parents first.
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return a.start < b.start; });
  for (const Entry& entry : entries) {
    if (!entry.ours) continue;
    {
      const MutexLock lock(mutex_);
      if (tree_.has(entry.name)) continue;
    }
    const auto header = directory_.read_header(entry);
    if (!header.ok()) {
      drop_refused(entry, header.error());
      continue;
    }
    const MutexLock lock(mutex_);
    if (tree_.add(header.value())) continue;
    directory_.remove(entry);  // nothing leads to it
    ++numbers_.evicted;
  }
  const MutexLock lock(mutex_);
  numbers_.bytes = bytes;
  numbers_.files = entries.size();
}

void Library::drop_vanished(const std::vector<Entry>& entries) {
  std::set<Digest> present;
  for (const Entry& entry : entries) present.insert(entry.name);
  const MutexLock lock(mutex_);
  for (const Digest& name : tree_.names()) {
    if (!present.contains(name) && !unwritten_.contains(name)) tree_.remove(name);
  }
}

void Library::drop_refused(const Entry& entry, const Error& error) {
  const MutexLock lock(mutex_);
  tree_.remove(entry.name);
  if (error.code != Code::Corrupt) return;
  log::warn("a snapshot was refused and removed: {}", error.message);
  ++numbers_.refused;
}

void Library::read(const Load& load) {
  const auto begin = Clock::now();
  Loaded loaded;
  std::vector<Entry> used;
  for (const Link& link : load.chain.links) {
    const Entry entry = directory_.entry_of(link.name, link.start);
    auto segment = directory_.read(entry);
    if (!segment.ok()) {
      drop_refused(entry, segment.error());
      break;
    }
    loaded.segments.push_back(std::move(segment).value());
    used.push_back(entry);
  }
  loaded.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  load.done(std::move(loaded));
  directory_.touch(used);
}

void Library::write(const std::vector<Segment>& segments) {
  for (const Segment& segment : segments) {
    const auto written = write_one(segment);
    if (!written.ok() && !failing_) log::warn("no snapshot: {}", written.error().message);
    failing_ = !written.ok();
    const MutexLock lock(mutex_);
    unwritten_.erase(segment.header.name);
    unwritten_bytes_ -= file_bytes(segment.header);
    ++(written.ok() ? numbers_.saved : numbers_.skipped);
    if (!written.ok()) tree_.remove(segment.header.name);
  }
  look_through();
}

Result<void> Library::write_one(const Segment& segment) {
  const std::vector<Entry> ancestors = entries_of(segment.header.parent);
  directory_.touch(ancestors);  // or they could be the longest unused
  make_room(file_bytes(segment.header));
  {
    const MutexLock lock(mutex_);
    if (!tree_.has(segment.header.name))
      return Error{Code::Unavailable, "the snapshot that comes before it is gone"};
  }
  TRY_VOID(directory_.write(segment));
  auto all = ancestors;
  all.push_back(directory_.entry_of(segment.header.name, segment.header.start));
  directory_.touch(all);
  return ok();
}

void Library::make_room(std::uint64_t bytes) {
  const Room room{.bytes = options_.bytes_max - std::min(bytes, options_.bytes_max),
                  .files = Directory::kFilesMax - 1};
  const auto gone = surplus(directory_.list(), room);
  for (const Entry& entry : gone) directory_.remove(entry);
  const MutexLock lock(mutex_);
  for (const Entry& entry : gone) tree_.remove(entry.name);
  numbers_.evicted += gone.size();
}

/// The files on the way to a segment, itself included.
std::vector<Entry> Library::entries_of(const Digest& name) {
  std::vector<Entry> entries;
  const MutexLock lock(mutex_);
  for (const Link& link : tree_.way_to(name).links)
    entries.push_back(directory_.entry_of(link.name, link.start));
  return entries;
}

void Library::report() {
  const Numbers now = numbers();
  if (now == reported_) return;
  reported_ = now;
  on_change_(now);
}

}  // namespace hearth::engine::snapshot
