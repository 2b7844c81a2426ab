#pragma once
#include <string>
#include <string_view>

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
  /// Compares in time that depends on neither text (only on the longer length). An empty secret
  /// matches nothing, so that a forgotten one opens no door.
  bool matches(std::string_view candidate) const;

 private:
  std::string text_;
};

/// SHA-256 as 64 lower-case hex digits. Source: FIPS 180-4.
std::string sha256_hex(std::string_view bytes);

}  // namespace hearth::vault
