#pragma once
#include <memory>
#include <vector>

#include "base/time_source.h"
#include "tools/memory_book.h"
#include "tools/tool.h"
#include "tools/undo.h"

namespace hearth::tools {

// Bounds of the built-in tools.
inline constexpr std::size_t kFileBytesMax = 8 * 1024 * 1024;  // read, written or edited
inline constexpr std::size_t kListedMax = 1'000;               // entries of one list_files
inline constexpr std::size_t kMatchesMax = 200;                // lines of one search_files
inline constexpr std::size_t kSearchedBytesMax = 256 * 1024 * 1024;
inline constexpr std::size_t kLineBytesMax = 400;    // shown of a line that was found
inline constexpr std::size_t kContextLinesMax = 10;  // before and behind it
inline constexpr std::size_t kMemoryBytesMax = 2'000;
inline constexpr std::size_t kRecalledMax = 20;

/// What the built-in tools need; all of it outlives them.
struct BuiltInParts {
  Undo& undo;
  MemoryBook& memories;
  const TimeSource& time;
};

/// edit_file, forget, list_files, read_file, recall, remember, search_files, time_now, write_file.
std::vector<std::unique_ptr<Tool>> built_in_tools(const BuiltInParts& parts);

}  // namespace hearth::tools
