#include "tools/builtin.h"

#include "tools/builtin/make.h"

namespace hearth::tools {

std::vector<std::unique_ptr<Tool>> built_in_tools(const BuiltInParts& parts) {
  std::vector<std::unique_ptr<Tool>> all;
  all.push_back(make_read_file());
  all.push_back(make_list_files());
  all.push_back(make_search_files());
  all.push_back(make_write_file(parts.undo));
  all.push_back(make_edit_file(parts.undo));
  all.push_back(make_time_now(parts.time));
  all.push_back(make_remember(parts.memories));
  all.push_back(make_recall(parts.memories));
  all.push_back(make_forget(parts.memories));
  return all;
}

}  // namespace hearth::tools
