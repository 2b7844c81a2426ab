#pragma once
#include <cstdint>

namespace hearth::portable {

/// Instruction sets that a compiler may use when -march allows it, and that not every x86-64
/// processor has. Source: x86-64 psABI, micro-architecture levels; AVX-512 sets as in GCC's manual.
enum class Feature : std::uint8_t {
  Sse3,
  Ssse3,
  Sse41,
  Sse42,
  Popcnt,
  Avx,
  F16c,
  Fma,
  Avx2,
  Bmi,
  Bmi2,
  Avx512f,
  Avx512cd,
  Avx512bw,
  Avx512dq,
  Avx512vl,
  Avx512vbmi,
  Avx512vnni,
  Avx512bf16,
};
inline constexpr int kFeatureCount = 19;

constexpr std::uint64_t bit(Feature feature) {
  return std::uint64_t{1} << static_cast<unsigned>(feature);
}

/// The set that this build uses: one bit() for each Feature.
extern const std::uint64_t kRequiredFeatures;

}  // namespace hearth::portable
