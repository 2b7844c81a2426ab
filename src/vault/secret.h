#pragma once
#include <string>
#include <string_view>

#include "base/result.h"

namespace hearth::vault {

/// Text that must not be seen: it cannot be printed, logged, compared in the open or copied by
/// accident. Wiped when destroyed.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string text);
  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret();

  bool empty() const { return text_.empty(); }
  /// The text itself, for the one place that has to send it. Never into a log, an error or a copy
  /// that stays.
  const std::string& reveal() const { return text_; }
  /// Compares in time that depends on neither text (only on the longer length). An empty secret
  /// matches nothing, so that a forgotten one opens no door.
  bool matches(std::string_view candidate) const;

 private:
  std::string text_;
};

inline constexpr std::size_t kSecretFileBytesMax = 4'096;

/// The one line of a file that only its owner may read. Errors: NotFound; Denied (others may read
/// it), Corrupt (empty, several lines, no regular file), TooLarge, Unavailable. None quotes it.
Result<Secret> read_secret_file(const std::string& path);

/// SHA-256 as 64 lower-case hex digits. Source: FIPS 180-4.
std::string sha256_hex(std::string_view bytes);

}  // namespace hearth::vault
