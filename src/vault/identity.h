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
  /// Reads the key file (32 bytes seed, raw) or creates it: written whole to a temporary file with
  /// mode 0600, synced, then linked into place, so that two starts at once agree on one key. A
  /// missing parent directory is created with mode 0700. Errors: Denied (others may read the file;
  /// says which chmod to run), Corrupt (not a regular file of 32 bytes), Unavailable (cannot be
  /// read or written; says why).
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
bool verify_signature(std::string_view public_key, std::string_view message,
                      std::string_view signature);

}  // namespace hearth::vault
