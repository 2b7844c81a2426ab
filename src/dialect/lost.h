#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace hearth::dialect {

inline constexpr std::size_t kLostMax = 64;        // lines of one translation
inline constexpr std::size_t kLostBytesMax = 256;  // of one line

/// What a translation could not carry, one line for each field: "metadata: is not passed on". A
/// place that is lost twice is named once. At most kLostMax lines, the last of which then is "…";
/// longer ones are cut, and end with "…".
class Lost {
 public:
  void add(std::string_view field, std::string_view why);
  void add_all(const Lost& other);
  const std::vector<std::string>& lines() const { return lines_; }
  bool empty() const { return lines_.empty(); }

 private:
  void add_line(std::string line);
  std::vector<std::string> lines_;
};

}  // namespace hearth::dialect
