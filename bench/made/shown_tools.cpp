// shown_tools: prints Hearth's own tools as a model is shown them, as the `tools` of a request:
// bench/turns.py sends them with requests that no session remembers, so that both prompts are the
// same.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "app/assistant.h"
#include "base/check.h"
#include "base/fields.h"
#include "config/config.h"
#include "store/store.h"

int main() {
  using namespace hearth;
  std::string folder = std::filesystem::temp_directory_path() / "hearth-tools-XXXXXX";
  HEARTH_CHECK(mkdtemp(folder.data()) != nullptr, "there is room for a folder");
  config::Config config;
  config.data_dir = folder + "/data";
  config.tools.workspace = {folder};
  std::filesystem::create_directory(config.data_dir);
  Json tools = Json::array();
  {
    const SystemTime time;
    const auto store = store::Store::open(config.data_dir + "/hearth.db").value();
    const auto assistant = app::Assistant::open(config, *store, time).value();
    for (const chat::Tool& tool : assistant->toolbox().offered())
      tools.push_back({{"type", "function"},
                       {"function",
                        {{"name", tool.name},
                         {"description", tool.description},
                         {"parameters", Json::parse(tool.outline)}}}});
  }
  std::filesystem::remove_all(folder);
  std::printf("%s\n", tools.dump().c_str());
  return 0;
}
