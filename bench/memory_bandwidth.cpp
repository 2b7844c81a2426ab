// What the memory allows: reads a buffer far larger than any cache with one thread and with all.
// Decoding reads nearly every weight once for each token, so bytes a second divided by the bytes of
// the weights is the most tokens a second that any program can reach here. bench/quiet.py prints it
// beside what was measured.
#include <benchmark/benchmark.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <thread>

namespace {

using Wide = std::uint64_t __attribute__((vector_size(64)));  // one cache line
constexpr std::size_t kBytes = std::size_t{1} << 30;
constexpr std::size_t kLines = kBytes / sizeof(Wide);
constexpr std::size_t kHugePage = std::size_t{2} << 20;
constexpr std::size_t kLanes = 8;  // loads in flight that do not wait for each other

struct Free {
  void operator()(void* memory) const { std::free(memory); }
};

/// Made once, in huge pages where the system gives them, and written so that each page exists.
const Wide* buffer() {
  static const std::unique_ptr<void, Free> memory = [] {
    std::unique_ptr<void, Free> out(std::aligned_alloc(kHugePage, kBytes));
    madvise(out.get(), kBytes, MADV_HUGEPAGE);
    std::fill_n(static_cast<std::uint64_t*>(out.get()), kBytes / sizeof(std::uint64_t), 1);
    return out;
  }();
  return static_cast<const Wide*>(memory.get());
}

void read_memory(benchmark::State& state) {
  const std::size_t lines = kLines / static_cast<std::size_t>(state.threads());
  const Wide* const begin = buffer() + static_cast<std::size_t>(state.thread_index()) * lines;
  std::array<Wide, kLanes> sums{};
  for ([[maybe_unused]] auto _ : state) {
    for (std::size_t line = 0; line + kLanes <= lines; line += kLanes)
      for (std::size_t lane = 0; lane < kLanes; ++lane) sums[lane] += begin[line + lane];
    benchmark::DoNotOptimize(sums);
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(static_cast<std::size_t>(state.iterations()) *
                                                    lines * sizeof(Wide)));
}

const int kThreads = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
BENCHMARK(read_memory)->Threads(1)->UseRealTime()->MinTime(1.0);
BENCHMARK(read_memory)->Threads(kThreads)->UseRealTime()->MinTime(1.0);

}  // namespace
