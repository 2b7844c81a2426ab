#pragma once
#include <functional>
#include <memory>
#include <string>

#include "base/bounded_queue.h"
#include "base/call.h"
#include "base/result.h"

namespace hearth::store {

class Database;

/// Connections that only read. Each sees what was committed when its read began, and never waits
/// for the writer. Any thread.
class Readers {
 public:
  /// Opens `count` connections to the file. Errors: those of Database::open.
  static Result<std::unique_ptr<Readers>> open(const std::string& path, std::size_t count);

  using Work = std::function<Result<void>(Database&)>;
  /// Runs `work` on this thread, as soon as a connection is free. Everything that it reads is of
  /// one moment. Errors: those of `work`; Timeout and Cancelled (none became free), Busy, Corrupt.
  Result<void> read(const Call& call, const Work& work);

  ~Readers();

 private:
  explicit Readers(std::size_t count);
  BoundedQueue<std::unique_ptr<Database>> free_;
};

}  // namespace hearth::store
