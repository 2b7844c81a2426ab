#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace hearth {

/// Fills `bytes` from the kernel's random source (getrandom). Never fails: without it the process
/// ends.
void fill_random(std::span<std::uint8_t> bytes);

/// A random 64-bit number from the kernel.
std::uint64_t random_u64();

/// `prefix` followed by 24 random characters of [0-9a-z], for ids such as "chatcmpl-…".
std::string random_id(const char* prefix);

/// Lower-case hex, two digits a byte.
std::string to_hex(std::span<const std::uint8_t> bytes);

}  // namespace hearth
