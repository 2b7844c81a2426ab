#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/call.h"
#include "base/result.h"

namespace hearth::tools {

/// Something that an owner asked to be remembered.
struct Memory {
  std::string id;
  std::string text;
  std::int64_t created_ms = 0;  // since 1970, UTC
};

/// Where memories are kept; another owner's do not exist. Any thread.
class MemoryBook {
 public:
  virtual ~MemoryBook() = default;
  /// Errors: InvalidInput, TooLarge (too many), those of what keeps it.
  virtual Result<Memory> remember(const Call& call, const std::string& owner,
                                  const std::string& text) = 0;
  /// At most `count`, the best first. `words`: any text.
  virtual Result<std::vector<Memory>> recall(const Call& call, const std::string& owner,
                                             const std::string& words, std::size_t count) = 0;
  /// Errors: NotFound.
  virtual Result<void> forget(const Call& call, const std::string& owner,
                              const std::string& id) = 0;
};

}  // namespace hearth::tools
