#pragma once
#include <memory>
#include <string>

#include "base/result.h"
#include "store/store.h"

namespace hearth::app {

/// A folder of our own (mode 0700) for one command, with an empty store in it. Both go with it.
class Scratch {
 public:
  /// Errors: Unavailable (no folder can be made), those of store::Store::open().
  static Result<std::unique_ptr<Scratch>> make();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch();

  /// The data directory, with the store in it, and an empty workspace beside it.
  std::string data_dir() const { return folder_ + "/data"; }
  std::string workspace() const { return folder_ + "/workspace"; }
  store::Store& store() { return *store_; }

 private:
  explicit Scratch(std::string folder) : folder_(std::move(folder)) {}
  const std::string folder_;
  std::unique_ptr<store::Store> store_;
};

}  // namespace hearth::app
