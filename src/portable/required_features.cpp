// Compiled with the build's own -march, so that the compiler itself says what the build uses. Holds
// data only: nothing in here runs.
#include "portable/features.h"

namespace hearth::portable {

// clang-format off
extern const std::uint64_t kRequiredFeatures = 0
#ifdef __SSE3__
    | bit(Feature::Sse3)
#endif
#ifdef __SSSE3__
    | bit(Feature::Ssse3)
#endif
#ifdef __SSE4_1__
    | bit(Feature::Sse41)
#endif
#ifdef __SSE4_2__
    | bit(Feature::Sse42)
#endif
#ifdef __POPCNT__
    | bit(Feature::Popcnt)
#endif
#ifdef __AVX__
    | bit(Feature::Avx)
#endif
#ifdef __F16C__
    | bit(Feature::F16c)
#endif
#ifdef __FMA__
    | bit(Feature::Fma)
#endif
#ifdef __AVX2__
    | bit(Feature::Avx2)
#endif
#ifdef __BMI__
    | bit(Feature::Bmi)
#endif
#ifdef __BMI2__
    | bit(Feature::Bmi2)
#endif
#ifdef __AVX512F__
    | bit(Feature::Avx512f)
#endif
#ifdef __AVX512CD__
    | bit(Feature::Avx512cd)
#endif
#ifdef __AVX512BW__
    | bit(Feature::Avx512bw)
#endif
#ifdef __AVX512DQ__
    | bit(Feature::Avx512dq)
#endif
#ifdef __AVX512VL__
    | bit(Feature::Avx512vl)
#endif
#ifdef __AVX512VBMI__
    | bit(Feature::Avx512vbmi)
#endif
#ifdef __AVX512VNNI__
    | bit(Feature::Avx512vnni)
#endif
#ifdef __AVX512BF16__
    | bit(Feature::Avx512bf16)
#endif
    ;
// clang-format on

}  // namespace hearth::portable
