#include "cli/terminal/table.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

namespace hearth::cli {
namespace {

std::size_t characters(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;  // not a continuation byte
  }));
}

/// `value` with `decimals` places, and the unit.
std::string fixed(double value, int decimals, const char* unit) {
  std::array<char, 48> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%.*f %s", decimals, value, unit);
  return buffer.data();
}

}  // namespace

void Table::add_row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }

std::string Table::text() const {
  std::vector<std::size_t> widths;
  for (const auto& row : rows_) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], characters(row[i]));
  }
  std::string out;
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      out += row[i];
      if (i + 1 < row.size()) out.append(widths[i] - characters(row[i]) + 2, ' ');
    }
    out += '\n';
  }
  return out;
}

std::string bytes_text(std::uint64_t bytes) {
  if (bytes < 1024) return std::to_string(bytes) + " B";
  static constexpr std::array kUnits = {"KiB", "MiB", "GiB", "TiB"};
  double value = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  // 1023.95 would be shown as "1024.0".
  for (; value >= 1023.95 && unit + 1 < kUnits.size(); ++unit) value /= 1024;
  return fixed(value, 1, kUnits[unit]);
}

std::string count_text(std::uint64_t count) {
  if (count < 1'000) return std::to_string(count);
  if (count < 999'950) return fixed(static_cast<double>(count) / 1e3, 1, "k");
  if (count < 999'950'000) return fixed(static_cast<double>(count) / 1e6, 1, "M");
  return fixed(static_cast<double>(count) / 1e9, 2, "B");
}

std::string elapsed_text(std::uint64_t seconds) {
  const std::uint64_t minutes = seconds / 60, hours = minutes / 60, days = hours / 24;
  const auto two = [](std::uint64_t a, const char* unit_a, std::uint64_t b, const char* unit_b) {
    return std::to_string(a) + unit_a + std::to_string(b) + unit_b;
  };
  if (days > 0) return two(days, " d ", hours % 24, " h");
  if (hours > 0) return two(hours, " h ", minutes % 60, " min");
  if (minutes > 0) return two(minutes, " min ", seconds % 60, " s");
  return std::to_string(seconds) + " s";
}

}  // namespace hearth::cli
