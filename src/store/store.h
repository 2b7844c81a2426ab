#pragma once
#include <memory>
#include <string>

#include "base/call.h"
#include "base/check.h"
#include "base/result.h"
#include "store/readers.h"
#include "store/writer.h"

namespace hearth::store {

/// The field of a TooLarge that says that the disk is full: nothing of the request is at fault.
inline constexpr const char* kDiskField = "store";

/// The one file that holds everything that must outlive the process. Checked when it is opened, and
/// brought to this program's schema. Any thread.
class Store {
 public:
  static constexpr std::size_t kReaders = 4;

  /// Opens the file at `path`, or makes it (mode 0600). Errors: Corrupt (it is no SQLite file, or
  /// damaged: the message says what to do), InvalidInput (a newer Hearth wrote it), Unavailable (it
  /// cannot be opened or made), TooLarge (disk full), Busy.
  static Result<std::unique_ptr<Store>> open(const std::string& path);

  /// The file as it is, beside whatever works with it: whoever writes through this store breaks its
  /// contract. Errors: InvalidInput (its schema is another than this program's), Unavailable (there
  /// is none, or it cannot be opened), Corrupt, Busy.
  static Result<std::unique_ptr<Store>> open_to_read(const std::string& path);

  Writer& writer() {
    HEARTH_CHECK(writer_, "the store is only read");
    return *writer_;
  }
  Readers& readers() { return *readers_; }

 private:
  Store(std::unique_ptr<Writer> writer, std::unique_ptr<Readers> readers)
      : readers_(std::move(readers)), writer_(std::move(writer)) {}

  std::unique_ptr<Readers> readers_;
  std::unique_ptr<Writer> writer_;  // ends first
};

}  // namespace hearth::store
