#include "cli/terminal/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "cli/terminal/style.h"

namespace hearth::cli {
namespace {

constexpr Millis kQuiet{1'000};   // nothing is shown before
constexpr Millis kInterval{100};  // between two drawings
constexpr std::size_t kBarWidth = 24;

std::size_t terminal_columns() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

std::string bar(double fraction) {
  const auto filled =
      static_cast<std::size_t>(std::lround(fraction * static_cast<double>(kBarWidth)));
  std::string cells(filled, '=');
  if (filled < kBarWidth) cells += '>';
  cells.resize(kBarWidth, ' ');
  const std::string percent = std::to_string(std::lround(fraction * 100));
  return "[" + cells + "] " + std::string(3 - std::min<std::size_t>(3, percent.size()), ' ') +
         percent + " % ";
}

}  // namespace

std::string progress_line(std::string_view label, std::optional<double> fraction, Millis elapsed,
                          std::size_t columns) {
  std::string line;
  if (fraction) line = bar(std::clamp(*fraction, 0.0, 1.0));
  line += label;
  if (!fraction) line += ", " + std::to_string(elapsed.count() / 1'000) + " s";
  return line.substr(0, columns);
}

std::optional<double> fraction_in(std::string_view sentence) {
  const std::size_t sign = sentence.find(" %");
  if (sign == std::string_view::npos) return std::nullopt;
  const std::size_t before = sentence.find_last_not_of("0123456789", sign == 0 ? 0 : sign - 1);
  const std::size_t start = before == std::string_view::npos ? 0 : before + 1;
  unsigned percent = 0;
  const auto [end, status] =
      std::from_chars(sentence.data() + start, sentence.data() + sign, percent);
  if (status != std::errc{} || end != sentence.data() + sign || percent > 100) return std::nullopt;
  return percent / 100.0;
}

Progress::Progress() : wanted_(is_terminal(STDERR_FILENO)) {}

void Progress::show(std::string_view label, std::optional<double> fraction) {
  const auto now = Clock::now();
  if (!wanted_ || now - started_ < kQuiet || (drawn_ && now - drawn_at_ < kInterval)) return;
  const auto elapsed = std::chrono::duration_cast<Millis>(now - started_);
  // One column stays free: a full line makes some terminals wrap.
  const std::string line = progress_line(label, fraction, elapsed, terminal_columns() - 1);
  std::fprintf(stderr, "\r%s\033[K", printable(line).c_str());
  std::fflush(stderr);
  drawn_at_ = now;
  drawn_ = true;
}

void Progress::clear() {
  if (!drawn_) return;
  std::fputs("\r\033[K", stderr);
  std::fflush(stderr);
  drawn_ = false;
}

}  // namespace hearth::cli
