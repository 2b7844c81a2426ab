#pragma once
#include <string>
#include <vector>

#include "base/call.h"
#include "base/result.h"
#include "store/store.h"

namespace hearth::store {

/// What a statement gives, a line for each row, columns apart by " | ", null as "null"; for tests
/// and for people who look. It can change nothing and reach no other file. At most kRowsShownMax
/// rows. Errors: Internal (no SQL), those of Readers::read.
Result<std::vector<std::string>> rows_of(const Call& call, Store& store, const std::string& sql);
inline constexpr std::size_t kRowsShownMax = 1'000;

}  // namespace hearth::store
