#include "engine/builtin_model.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>

extern "C" {
extern const char hearth_ember_begin[];
extern const char hearth_ember_end[];
}

namespace hearth::engine {

std::string_view builtin_model_bytes() {
  return {hearth_ember_begin, static_cast<std::size_t>(hearth_ember_end - hearth_ember_begin)};
}

void release_builtin_model_pages() {
  const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  // Whole pages only: the first and the last hold something else, too.
  const auto begin =
      (reinterpret_cast<std::uintptr_t>(hearth_ember_begin) + page - 1) / page * page;
  const auto end = reinterpret_cast<std::uintptr_t>(hearth_ember_end) / page * page;
  if (begin < end) madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
}

}  // namespace hearth::engine
