#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace hearth::cli {

/// Columns of text, two spaces apart, each as wide as its widest cell (in characters, not bytes).
/// The last column is not padded.
class Table {
 public:
  void add_row(std::vector<std::string> cells);
  std::string text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

/// "636.2 MiB", "12 B": bytes for people, in powers of 1,024.
std::string bytes_text(std::uint64_t bytes);
/// "1.10 B", "5.8 M", "950": a count for people, in powers of 1,000.
std::string count_text(std::uint64_t count);
/// "42 s", "3 min 5 s", "2 h 10 min", "5 d 3 h".
std::string elapsed_text(std::uint64_t seconds);

}  // namespace hearth::cli
