#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace hearth::vault {

/// This installation's Ed25519 key. Source: RFC 8032.
class Identity {
 public:
  /// Reads the key file (32 bytes seed, raw) or creates it: written whole to a temporary file with mode
  /// 0600, synced, then linked into place, so that two starts at once agree on one key.
  /// Errors: Denied (others may read the file), Corrupt (wrong length), Unavailable (cannot be written).
  static Result<Identity> open_or_create(const std::string& path);
  static Identity from_seed(const std::array<std::uint8_t, 32>& seed);

  Identity(Identity&& other) noexcept;
  Identity& operator=(Identity&&) = delete;
  ~Identity();  // wipes the seed

  /// 64 hex digits of the public key.
  const std::string& device_id() const { return device_id_; }
  std::array<std::uint8_t, 64> sign(std::string_view message) const;

 private:
  explicit Identity(const std::array<std::uint8_t, 32>& seed);
  std::array<std::uint8_t, 32> seed_;
  std::string device_id_;
};

/// True if `signature` (64 bytes) is `public_key`'s (32 bytes) over `message`.
bool verify_signature(std::string_view public_key, std::string_view message, std::string_view signature);

}  // namespace hearth::vault
