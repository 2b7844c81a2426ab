#include "model/shelf.h"

#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "model/pull/names.h"

namespace hearth::model {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kWhole = ".gguf";
constexpr std::string_view kPart = ".gguf.part";
constexpr std::uint64_t kReserveBytes = 256 * 1024 * 1024;  // of the disk, for everything else
constexpr std::size_t kNamedMax = 3;                        // models that an error names

std::string gib_text(std::uint64_t bytes) {
  const auto tenths = (bytes * 10 + (1u << 29)) >> 30;
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " GiB";
}

/// What a file takes: one that is not yet whole has holes.
std::uint64_t bytes_on_disk(const std::string& path, bool is_partial) {
  struct stat about {};
  if (::stat(path.c_str(), &about) != 0) return 0;
  return is_partial ? static_cast<std::uint64_t>(about.st_blocks) * 512
                    : static_cast<std::uint64_t>(about.st_size);
}

/// "mistral-7b (4.1 GiB), phi-3-mini (2.2 GiB)": the largest.
std::string largest(std::vector<ShelfModel> models) {
  std::sort(models.begin(), models.end(),
            [](const ShelfModel& a, const ShelfModel& b) { return a.size_bytes > b.size_bytes; });
  std::string text;
  for (std::size_t i = 0; i < std::min(models.size(), kNamedMax); ++i)
    text += (i ? ", " : "") + models[i].name + " (" + gib_text(models[i].size_bytes) + ")";
  return text;
}

std::string hint(const std::vector<ShelfModel>& models) {
  if (models.empty()) return {};
  return "; `hearth model rm NAME` makes room: " + largest(models);
}

Error cannot_read(const std::string& folder, const std::error_code& problem) {
  return {Code::Unavailable, folder + " cannot be read: " + problem.message()};
}

}  // namespace

Result<std::vector<ShelfModel>> Shelf::list() const {
  std::vector<ShelfModel> models;
  std::error_code problem;
  if (!fs::exists(folder_, problem)) return models;
  fs::directory_iterator entries(folder_, problem);
  for (; !problem && entries != fs::directory_iterator(); entries.increment(problem)) {
    std::string name = entries->path().filename().string();
    const bool is_partial = name.ends_with(kPart);
    if (!is_partial && !name.ends_with(kWhole)) continue;
    name.resize(name.size() - (is_partial ? kPart : kWhole).size());
    if (!is_model_name(name)) continue;
    if (models.size() == kModelsMax)
      return Error{Code::TooLarge,
                   folder_ + " holds more than " + std::to_string(kModelsMax) + " models"};
    const std::string path = entries->path().string();
    models.push_back({name, path, bytes_on_disk(path, is_partial), is_partial});
  }
  if (problem) return cannot_read(folder_, problem);
  std::sort(models.begin(), models.end(),
            [](const ShelfModel& a, const ShelfModel& b) { return a.path < b.path; });
  return models;
}

Result<ShelfModel> Shelf::find(std::string_view name) const {
  TRY(const auto models, list());
  std::string there;
  for (const ShelfModel& model : models) {
    if (same_name(model.name, name)) return model;
    there += (there.empty() ? "" : ", ") + model.name;
  }
  return Error{Code::NotFound, "no model '" + std::string(name) + "' is in " + folder_ +
                                   (there.empty() ? "" : "; there are: " + there)};
}

Result<void> Shelf::remove(std::string_view name) const {
  TRY(const ShelfModel model, find(name));
  for (const std::string& path :
       {path_of(model.name), part_of(model.name), part_of(model.name) + ".json"}) {
    std::error_code problem;
    fs::remove(path, problem);
    if (problem) return Error{Code::Unavailable, path + " cannot be deleted: " + problem.message()};
  }
  return ok();
}

Result<void> Shelf::check_room(const std::string& name, const Room& room) const {
  std::error_code problem;
  fs::create_directories(folder_, problem);
  if (problem) return Error{Code::Unavailable, folder_ + " cannot be made: " + problem.message()};
  TRY(auto others, list());
  std::erase_if(others, [&](const ShelfModel& model) { return same_name(model.name, name); });
  std::uint64_t used = 0;
  for (const ShelfModel& model : others) used += model.size_bytes;
  if (used > room.disk_bytes_max || room.wanted_bytes > room.disk_bytes_max - used)
    return Error{Code::TooLarge,
                 name + " has " + gib_text(room.wanted_bytes) + ", and models may take " +
                     gib_text(room.disk_bytes_max) + " (models.disk_bytes_max), of which " +
                     gib_text(used) + " are used" + hint(others),
                 "models.disk_bytes_max"};
  struct statvfs disk {};
  if (::statvfs(folder_.c_str(), &disk) != 0)
    return Error{Code::Unavailable, folder_ + ": " + std::strerror(errno)};
  const std::uint64_t free = std::uint64_t{disk.f_bavail} * disk.f_frsize;
  const std::uint64_t missing = room.wanted_bytes - std::min(room.there_bytes, room.wanted_bytes);
  if (free >= kReserveBytes && missing <= free - kReserveBytes) return ok();
  return Error{Code::TooLarge, "the disk of " + folder_ + " has " + gib_text(free) + " free, and " +
                                   name + " needs " + gib_text(missing) + " and " +
                                   gib_text(kReserveBytes) + " for everything else" + hint(others)};
}

}  // namespace hearth::model
