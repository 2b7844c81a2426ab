#pragma once
#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/call.h"
#include "base/mutex.h"
#include "base/result.h"
#include "base/time_source.h"
#include "tools/workspace.h"

namespace hearth::tools {

/// What files were before tools changed them, kept in a folder of Hearth's own. Bounded: at
/// kCountMax or kBytesMax the oldest go. Several processes may use a folder, as a daemon and a
/// person's `hearth undo` do; any thread. Errors of all: Unavailable, TooLarge (disk full),
/// Timeout, Cancelled.
class Undo {
 public:
  static constexpr std::size_t kCountMax = 256;
  static constexpr std::uint64_t kBytesMax = 64 * 1024 * 1024;

  struct Limits {
    std::size_t count_max = kCountMax;
    std::uint64_t bytes_max = kBytesMax;
  };

  /// A change that can be taken back.
  struct Entry {
    std::uint64_t number = 0;     // later changes have higher ones
    std::string path;             // from the root of the file system, symlinks followed
    bool existed = false;         // false: undoing removes the file
    mode_t mode = 0;              // of the file before
    std::uint64_t bytes = 0;      // of the file before
    std::string after_sha256;     // of what the tool wrote
    std::int64_t changed_ms = 0;  // since 1970, UTC
  };

  /// Makes the folder (mode 0700) if it is missing; what a crash left half written in it goes.
  /// `time` must outlive it. Errors: Unavailable.
  static Result<std::unique_ptr<Undo>> open(const std::string& folder, const TimeSource& time,
                                            Limits limits);
  static Result<std::unique_ptr<Undo>> open(const std::string& folder, const TimeSource& time) {
    return open(folder, time, Limits());
  }

  struct Change {
    std::string path;
    std::optional<std::string> before;  // absent: there was no file
    mode_t mode = 0;
    std::string_view after;
  };
  /// Keeps what a file was, on the disk, before it is changed. A version of more than bytes_max is
  /// refused: TooLarge. Returns its number.
  Result<std::uint64_t> keep(const Call& call, const Change& change);
  /// Forgets one, as after a change that failed.
  void drop(std::uint64_t number);

  /// The latest first.
  Result<std::vector<Entry>> list();
  /// The latest, of one file if `path` (absolute) is given; none: nothing to undo.
  Result<std::optional<Entry>> last(std::string_view path = {});

  /// What restore() would do.
  struct Plan {
    Entry entry;
    bool changed_since = false;  // the file is not as the tool left it
    std::string diff{};          // from what is there now, as people see it; may be empty
  };
  /// Looks, but changes nothing. Errors: those of restore().
  Result<Plan> plan(const Call& call, const Workspace& workspace, std::uint64_t number);
  /// A workspace that a change lies in, whatever is open to tools now: the deepest folder above its
  /// file that is there. `kept_out`: as in Workspace::Options. Errors: those of Workspace::open().
  static Result<std::unique_ptr<Workspace>> workspace_of(const Entry& entry,
                                                         std::vector<std::string> kept_out);

  enum class Changed : std::uint8_t { Refuse, Overwrite };
  /// Puts a file back as it was and forgets the entry, so that the next undo goes one further back.
  /// The file must lie in the workspace. Errors: NotFound (no such entry), Denied (the file is not
  /// as the tool left it, unless Overwrite; it is out of the workspace), Corrupt, those of
  /// Workspace.
  Result<void> restore(const Call& call, const Workspace& workspace, std::uint64_t number,
                       Changed changed = Changed::Refuse);

 private:
  struct Stored {
    Entry entry;
    std::string before;
  };
  Undo(std::string path, std::unique_ptr<Workspace> folder, const TimeSource& time, Limits limits)
      : path_(std::move(path)), folder_(std::move(folder)), time_(time), limits_(limits) {}
  struct Target;
  Result<Target> look(const Call& call, const Workspace& workspace, std::uint64_t number) const;
  Result<void> sweep() const;
  Result<std::vector<std::uint64_t>> numbers(const Call& call) const;  // ascending
  Result<Stored> load(const Call& call, std::uint64_t number) const;
  Result<void> make_room(const Call& call, std::uint64_t bytes);
  Result<std::uint64_t> next_number(const Call& call) const;

  const std::string path_;
  const std::unique_ptr<Workspace> folder_;
  const TimeSource& time_;
  const Limits limits_;
  Mutex mutex_;  // one change of the folder at a time, in this process; FolderLock: in all
};

}  // namespace hearth::tools
