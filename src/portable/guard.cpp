// Ends the program with one sentence on a processor that this build was not made for, instead of a
// crash at the first unknown instruction. Compiled with -march=x86-64 and run from .preinit_array,
// before any constructor of another file, because those may use the build's instructions already.
// For the same reason nothing is called here but system calls and the compiler's own functions.
#include <unistd.h>

#include <iterator>

#include "portable/features.h"

namespace hearth::portable {
namespace {

struct Check {
  Feature feature;
  const char* name;
  bool (*present)();
};

// __builtin_cpu_supports takes literals only. It asks cpuid, and the kernel's word on saved
// registers.
#define HEARTH_FEATURE(feature, name, literal)                                  \
  {                                                                             \
    Feature::feature, name, [] { return __builtin_cpu_supports(literal) != 0; } \
  }

constexpr Check kChecks[] = {
    HEARTH_FEATURE(Sse3, "SSE3", "sse3"),
    HEARTH_FEATURE(Ssse3, "SSSE3", "ssse3"),
    HEARTH_FEATURE(Sse41, "SSE4.1", "sse4.1"),
    HEARTH_FEATURE(Sse42, "SSE4.2", "sse4.2"),
    HEARTH_FEATURE(Popcnt, "POPCNT", "popcnt"),
    HEARTH_FEATURE(Avx, "AVX", "avx"),
    HEARTH_FEATURE(F16c, "F16C", "f16c"),
    HEARTH_FEATURE(Fma, "FMA", "fma"),
    HEARTH_FEATURE(Avx2, "AVX2", "avx2"),
    HEARTH_FEATURE(Bmi, "BMI1", "bmi"),
    HEARTH_FEATURE(Bmi2, "BMI2", "bmi2"),
    HEARTH_FEATURE(Avx512f, "AVX-512F", "avx512f"),
    HEARTH_FEATURE(Avx512cd, "AVX-512CD", "avx512cd"),
    HEARTH_FEATURE(Avx512bw, "AVX-512BW", "avx512bw"),
    HEARTH_FEATURE(Avx512dq, "AVX-512DQ", "avx512dq"),
    HEARTH_FEATURE(Avx512vl, "AVX-512VL", "avx512vl"),
    HEARTH_FEATURE(Avx512vbmi, "AVX-512VBMI", "avx512vbmi"),
    HEARTH_FEATURE(Avx512vnni, "AVX-512VNNI", "avx512vnni"),
    HEARTH_FEATURE(Avx512bf16, "AVX-512BF16", "avx512bf16"),
};
static_assert(std::size(kChecks) == kFeatureCount);

void say(const char* text) {
  std::size_t length = 0;
  while (text[length] != '\0') ++length;
  // Nothing can be done about a closed standard error: the exit status still tells.
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, text, length);
}

void check_processor() {
  __builtin_cpu_init();
  for (const Check& check : kChecks) {
    if ((kRequiredFeatures & bit(check.feature)) == 0 || check.present()) continue;
    say("hearth: this processor has no ");
    say(check.name);
    say(", which this build needs; `make build` on this machine makes one that fits it.\n");
    _exit(1);
  }
}

[[gnu::used, gnu::section(".preinit_array")]] void (*const run_first)() = check_processor;

}  // namespace
}  // namespace hearth::portable
