#include "engine/board_path.h"

#include <sys/stat.h>
#include <unistd.h>

namespace hearth::engine {
namespace {

bool is_folder_of_ours(const std::string& path) {
  struct stat found {};
  return !path.empty() && ::stat(path.c_str(), &found) == 0 && S_ISDIR(found.st_mode) &&
         found.st_uid == ::geteuid();
}

}  // namespace

std::string default_board_path(const std::string& runtime_dir) {
  const std::string user = std::to_string(::geteuid());
  for (const std::string& folder : {runtime_dir, "/run/user/" + user}) {
    if (is_folder_of_ours(folder)) return folder + "/hearth-cores";
  }
  return "/tmp/hearth-" + user + "-cores";
}

}  // namespace hearth::engine
