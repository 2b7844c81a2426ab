#pragma once
#include <string>

namespace hearth::engine {

/// What tells this build from every other, as hex: the identity that the linker gave the program
/// (a digest of its contents), or its version where there is none. Source: ELF note
/// NT_GNU_BUILD_ID, ld --build-id.
std::string program_id();

}  // namespace hearth::engine
