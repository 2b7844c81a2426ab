#pragma once
#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/call.h"
#include "base/result.h"
#include "tools/files/beneath.h"
#include "tools/files/descriptor.h"

namespace hearth::tools {

/// A place below one of a workspace's roots.
struct Spot {
  std::size_t root = 0;
  std::string path{};  // relative, no "." or ".."; empty: the root itself
};

enum class FileKind : std::uint8_t { Absent, File, Folder, Other };

/// What stands at a spot.
struct Found {
  Spot spot{};  // as it is really called: symlinks followed
  FileKind kind = FileKind::Absent;
  std::string kind_name{};       // "a folder", "a named pipe", "a device"
  std::uint64_t size_bytes = 0;  // File only
  mode_t mode = 0;               // permission bits
};

/// The folders that a person opened to tools, and the only way from a tool to a file. A path is
/// looked up once (find), where symlinks are followed as long as they stay below their root; from
/// then on it is a Spot, at which no symlink is followed any more. So what was decided about is
/// what is touched, whoever renames what meanwhile, and no "..", absolute path, symlink or race
/// gets out. Errors of all: Denied (leads out, is kept out, no permission), NotFound, InvalidInput
/// (no path; no file), TooLarge, Unavailable; `field` is "path". Any thread.
class Workspace {
 public:
  static constexpr std::size_t kRootsMax = 16;
  static constexpr std::size_t kPathBytesMax = 4'095;
  static constexpr std::size_t kDepthMax = 64;         // folders below a root, for walk()
  static constexpr std::size_t kEntriesMax = 200'000;  // for one walk()

  struct Options {
    std::vector<std::string> roots;       // absolute folders; relative paths are in the first
    std::vector<std::string> kept_out{};  // folders inside that stay shut: Hearth's own data
    bool kernel_resolves = true;          // false: as if the kernel had no openat2
  };
  /// Errors: InvalidInput (a root that is not absolute, is "/", or is kept out; too many).
  static Result<std::unique_ptr<Workspace>> open(const Options& options);

  /// The spot that a path means, looked up: relative ones in the first root, absolute ones in the
  /// root that they lie in. What does not exist has the spot that it would be made at.
  Result<Found> find(std::string_view path) const;
  /// The same by its words alone, without a look at the disk.
  Result<Spot> locate(std::string_view path) const;

  /// How a spot is shown and decided about: relative in the first root ("." is the root itself),
  /// absolute in others. locate() of it is the spot again.
  std::string shown(const Spot& spot) const;
  std::string absolute(const Spot& spot) const;

  /// What stands at a spot now.
  Result<Found> look(const Spot& spot) const;
  /// All bytes of a regular file. Errors: TooLarge (above `bytes_max`), InvalidInput (no regular
  /// file: its kind is named), Cancelled, Timeout.
  Result<std::string> read(const Call& call, const Spot& spot, std::size_t bytes_max) const;
  /// Puts bytes in a file's place, all of them or none: whoever reads sees the old or the new. They
  /// are on the disk when it returns. Missing folders are made. `mode`: permission bits of the
  /// file. Errors: InvalidInput (a folder or the like is there), Cancelled, Timeout.
  Result<void> write(const Call& call, const Spot& spot, std::string_view bytes, mode_t mode) const;
  /// Removes a regular file.
  Result<void> remove(const Spot& spot) const;

  struct Entry {
    Spot spot;
    FileKind kind;                 // Other for a symlink: a walk follows none
    std::uint64_t size_bytes = 0;  // File only
  };
  enum class Next : std::uint8_t { GoOn, SkipFolder, Stop };
  using Visit = std::function<Result<Next>(const Entry&)>;
  /// Everything below a folder, in the order of names, a folder before what is in it. Returns false
  /// if it ended early: kEntriesMax were seen, or something lies deeper than kDepthMax. What
  /// may not be opened is stepped over. Errors: Cancelled, Timeout, those of `visit`.
  Result<bool> walk(const Call& call, const Spot& folder, const Visit& visit) const;

 private:
  struct Root {
    std::string path;  // absolute, symlinks followed
    std::string name;  // as it was given
    Descriptor folder;
  };
  struct Walk;

  Workspace() = default;
  Beneath beneath(const Spot& spot) const {
    return {roots_[spot.root].folder.number(), kernel_resolves_};
  }
  Result<void> refuse_kept_out(const Spot& spot) const;
  Result<Spot> real_spot(const Spot& looked_up, int descriptor) const;
  Result<Descriptor> open_regular(const Spot& spot, Found& found) const;
  Result<Descriptor> make_folder_of(const Spot& spot) const;
  Result<bool> walk_folder(Walk& walk, const Spot& folder, std::size_t depth) const;

  std::vector<Root> roots_{};
  std::vector<std::string> kept_out_{};
  bool kernel_resolves_ = true;
};

}  // namespace hearth::tools
