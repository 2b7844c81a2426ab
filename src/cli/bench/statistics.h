#pragma once
#include <vector>

namespace hearth::cli {

/// Mean and sample standard deviation (n - 1; 0 for fewer than two values), as llama-bench reports
/// them.
struct Statistics {
  double mean = 0;
  double deviation = 0;
};
Statistics statistics_of(const std::vector<double>& values);

}  // namespace hearth::cli
