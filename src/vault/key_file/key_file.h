#pragma once
#include <array>
#include <cstdint>
#include <string>

#include "base/result.h"

namespace hearth::vault {

using Seed = std::array<std::uint8_t, 32>;

/// The seed in the file at `path`, which is created with a random one if it does not exist.
/// Contract and errors: Identity::open_or_create. The caller wipes the seed.
Result<Seed> read_or_create_seed(const std::string& path);

}  // namespace hearth::vault
