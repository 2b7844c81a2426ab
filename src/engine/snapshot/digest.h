#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace hearth::engine::snapshot {

/// 128 bits that stand for some bytes. Finds damage and tells contents apart; it is no defence
/// against somebody who may write into the data directory. Source: XXH3-128, xxhash.com.
using Digest = std::array<std::uint8_t, 16>;

inline constexpr Digest kNoDigest{};

Digest digest_of(std::string_view bytes);
/// 32 lower-case hex digits.
std::string to_hex(const Digest& digest);

/// The digest of bytes that come in pieces. One thread.
class Digester {
 public:
  Digester();
  ~Digester();
  Digester& add(std::string_view bytes);
  Digest finish() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hearth::engine::snapshot
