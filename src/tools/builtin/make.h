#pragma once
#include <memory>

#include "tools/builtin.h"

namespace hearth::tools {

std::unique_ptr<Tool> make_read_file();
std::unique_ptr<Tool> make_list_files();
std::unique_ptr<Tool> make_search_files();
std::unique_ptr<Tool> make_write_file(Undo& undo);
std::unique_ptr<Tool> make_edit_file(Undo& undo);
std::unique_ptr<Tool> make_time_now(const TimeSource& time);
std::unique_ptr<Tool> make_remember(MemoryBook& memories);
std::unique_ptr<Tool> make_recall(MemoryBook& memories);
std::unique_ptr<Tool> make_forget(MemoryBook& memories);

}  // namespace hearth::tools
