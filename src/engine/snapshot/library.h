#pragma once
#include <condition_variable>
#include <deque>
#include <functional>
#include <set>
#include <thread>

#include "base/call.h"
#include "base/mutex.h"
#include "engine/snapshot/directory.h"
#include "engine/snapshot/tree.h"

namespace hearth::engine::snapshot {

/// The snapshots of one model on disk: what there is, in memory; and one thread that reads, writes
/// and lets the longest unused go, so that nobody who computes waits for a disk. Whatever goes
/// wrong with the disk costs a snapshot, never an answer. Any thread may call anything.
class Library {
 public:
  static constexpr std::uint64_t kUnwrittenBytesMax = 256ull << 20;  // beyond, saves are skipped
  static constexpr std::size_t kLoadsMax = 16;                       // that wait at a time

  struct Options {
    std::string directory;  // made with mode 0700 at the first write; its parent must exist
    std::uint64_t bytes_max = 0;
    Digest fingerprint{};
  };
  /// Counts since the start, and levels (bytes, files) of the whole directory.
  struct Numbers {
    std::uint64_t saved = 0;     // segments written
    std::uint64_t restored = 0;  // segments put back into a cache
    std::uint64_t restored_tokens = 0;
    std::uint64_t refused = 0;  // damaged or foreign files, removed
    std::uint64_t skipped =
        0;  // segments not written: too much waited, or the disk did not take it
    std::uint64_t evicted = 0;  // files removed to stay within the bound
    std::uint64_t bytes = 0, files = 0;
    bool operator==(const Numbers&) const = default;
  };
  using OnChange = std::function<void(const Numbers&)>;  // on the library's thread
  struct Loaded {
    std::vector<Segment> segments;
    double seconds = 0;  // that reading and verifying took
  };
  using OnLoaded = std::function<void(Loaded)>;

  /// Begins to look through the directory.
  Library(Options options, OnChange on_change);
  /// Writes what waits to be written. Loads that wait are dropped.
  ~Library();

  /// Waits until the directory was looked through, or the call ends.
  void wait_until_known(const Call& call);

  /// As Tree::longest(), of the segments that are known now.
  Chain longest(std::span<const chat::Token> tokens, Tree::Last last);
  const Digest& fingerprint() const { return options_.fingerprint; }

  /// Writes segments, each the child of the one before it. From now on longest() finds them.
  void save(std::vector<Segment> segments);
  /// Reads and verifies the chain's segments, then calls `done` on the library's thread with as
  /// many of the first as are good. False if too many loads wait; `done` is not called then.
  [[nodiscard]] bool load(const Chain& chain, OnLoaded done);

  void note_restored(std::size_t segments, std::uint32_t tokens);
  void note_skipped(std::size_t segments);
  /// A segment that was read turned out not to fit: it and what follows it are removed.
  void refuse(const Segment& segment);
  Numbers numbers() const;

 private:
  struct Load {
    Chain chain;
    OnLoaded done;
  };
  void run(const std::stop_token& stop);
  void look_through();
  void look_again();
  void read(const Load& load);
  void write(const std::vector<Segment>& segments);
  Result<void> write_one(const Segment& segment);
  void make_room(std::uint64_t bytes);
  void drop_vanished(const std::vector<Entry>& entries);
  void drop_refused(const Entry& entry, const Error& error);
  void report();
  std::vector<Entry> entries_of(const Digest& name);

  const Options options_;
  const OnChange on_change_;
  const Directory directory_;

  mutable Mutex mutex_;
  std::condition_variable_any changed_;
  Tree tree_ GUARDED_BY(mutex_);  // also what is still to be written
  std::set<Digest> unwritten_ GUARDED_BY(mutex_);
  std::uint64_t unwritten_bytes_ GUARDED_BY(mutex_) = 0;
  std::deque<Load> loads_ GUARDED_BY(mutex_);
  std::deque<std::vector<Segment>> saves_ GUARDED_BY(mutex_);
  std::vector<Entry> refused_ GUARDED_BY(mutex_);  // to be removed
  Numbers numbers_ GUARDED_BY(mutex_);
  bool known_ GUARDED_BY(mutex_) = false;
  bool look_again_ GUARDED_BY(mutex_) = false;
  bool report_ GUARDED_BY(mutex_) = false;

  // The library's thread only.
  std::int64_t seen_ns_ = -1;  // when the directory had last changed
  Numbers reported_{};
  bool failing_ = false;  // the last write failed, and that was logged

  std::jthread thread_;
};

}  // namespace hearth::engine::snapshot
