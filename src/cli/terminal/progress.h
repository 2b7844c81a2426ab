#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/call.h"

namespace hearth::cli {

/// One line of progress: "[=========>          ]  45 % loading". Without a fraction only the label
/// and the seconds so far. At most `columns` characters.
std::string progress_line(std::string_view label, std::optional<double> fraction, Millis elapsed,
                          std::size_t columns);

/// The fraction in a sentence such as "loading, 42 %", if there is one.
std::optional<double> fraction_in(std::string_view sentence);

/// A progress line on standard error, for work that takes longer than a second; nothing is shown
/// when that is no terminal. Erased when this is destroyed. One thread at a time.
class Progress {
 public:
  Progress();
  ~Progress() { clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void show(std::string_view label, std::optional<double> fraction);
  /// Removes the line, before other output.
  void clear();

 private:
  const bool wanted_;
  const Clock::time_point started_ = Clock::now();
  Clock::time_point drawn_at_{};
  bool drawn_ = false;
};

}  // namespace hearth::cli
