#pragma once
#include <cstdint>

namespace hearth::engine::snapshot {

/// Decides whether restoring state is faster than computing it, by what this engine has measured of
/// both. One thread.
class Pace {
 public:
  static constexpr std::uint32_t kTokensMin = 16;            // fewer are never worth a restore
  static constexpr std::uint32_t kTokensMinUnmeasured = 32;  // while one of the two is not known

  void computed(std::uint32_t tokens, double seconds);
  void restored(std::uint64_t bytes, double seconds);

  struct Offer {
    std::uint32_t tokens = 0;  // that need not be computed
    std::uint64_t bytes = 0;   // to be read for them
  };
  bool is_worth(const Offer& offer) const;

 private:
  double tokens_per_s_ = 0, bytes_per_s_ = 0;  // moving averages; 0: not measured
};

}  // namespace hearth::engine::snapshot
