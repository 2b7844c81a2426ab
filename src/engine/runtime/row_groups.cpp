#include "engine/runtime/row_groups.h"

namespace hearth::engine {

/// With Q4_0 on two cores of an AMD EPYC: 16 rows 126 ms, 4 rows 53 ms, 1 row 24 ms.
RowGroups RowGroups::repacked() {
#if defined(__x86_64__)
  return {.large = 16, .small = 4, .worth = 11};
#else
  return {.large = 4, .small = 4, .worth = 3};
#endif
}

std::uint32_t RowGroups::padding(std::uint32_t rows) const {
  const std::uint32_t outside = rows % large;
  if (outside >= worth) return large - outside;
  return small > 1 && outside % small == small - 1 ? 1 : 0;
}

}  // namespace hearth::engine
