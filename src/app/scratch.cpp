#include "app/scratch.h"

#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace hearth::app {

Result<std::unique_ptr<Scratch>> Scratch::make() {
  std::error_code error;
  const std::filesystem::path parent = std::filesystem::temp_directory_path(error);
  std::string name = parent / "hearth-scratch-XXXXXX";
  if (error || !mkdtemp(name.data()))
    return Error{Code::Unavailable, "no folder can be made in " + parent.string()};
  std::unique_ptr<Scratch> made(new Scratch(name));
  for (const std::string& folder : {made->data_dir(), made->workspace()})
    if (!std::filesystem::create_directory(folder, error))
      return Error{Code::Unavailable, "no folder can be made: " + folder};
  TRY(made->store_, store::Store::open(made->data_dir() + "/hearth.db"));
  return made;
}

Scratch::~Scratch() {
  store_.reset();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

}  // namespace hearth::app
