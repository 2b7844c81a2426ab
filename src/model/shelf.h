#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace hearth::model {

/// A model file in the models' folder.
struct ShelfModel {
  std::string name;  // of its file, without ".gguf"
  std::string path;
  std::uint64_t size_bytes = 0;  // that it takes on the disk
  bool is_partial = false;       // a download that was not finished
};

/// The folder that models are downloaded into: NAME.gguf, and while it comes NAME.gguf.part with
/// NAME.gguf.part.json. Other files in it are not its business. Any thread.
class Shelf {
 public:
  static constexpr std::size_t kModelsMax = 4'096;

  explicit Shelf(std::string folder) : folder_(std::move(folder)) {}

  std::string path_of(const std::string& name) const { return folder_ + "/" + name + ".gguf"; }
  std::string part_of(const std::string& name) const { return path_of(name) + ".part"; }

  /// Sorted by name; empty if there is no such folder. Errors: Unavailable (it cannot be read),
  /// TooLarge (more than kModelsMax).
  Result<std::vector<ShelfModel>> list() const;
  /// Errors: list()'s; NotFound (names those that are there).
  Result<ShelfModel> find(std::string_view name) const;
  /// Deletes a model, and what there is of its download. Errors: find()'s; Unavailable.
  Result<void> remove(std::string_view name) const;

  struct Room {
    std::uint64_t wanted_bytes;    // of the whole model
    std::uint64_t there_bytes;     // of it on the disk already
    std::uint64_t disk_bytes_max;  // for all models: models.disk_bytes_max
  };
  /// Makes the folder and checks that `name` fits. Errors: TooLarge (beyond the bound, or the
  /// disk's free space; says what could be deleted), Unavailable (the folder cannot be made), and
  /// list()'s.
  Result<void> check_room(const std::string& name, const Room& room) const;

 private:
  const std::string folder_;
};

}  // namespace hearth::model
