#pragma once
#include <termios.h>

namespace hearth::cli {

/// While it lives, what is typed is neither echoed between the lines of an answer nor taken as
/// lines by the terminal: it waits for the line editor, Ctrl-D included (the terminal would turn
/// that into a zero byte). Ctrl-C still is a signal. Does nothing when standard input is no
/// terminal.
class QuietInput {
 public:
  QuietInput();
  ~QuietInput();
  QuietInput(const QuietInput&) = delete;
  QuietInput& operator=(const QuietInput&) = delete;

 private:
  bool changed_ = false;
  termios before_{};
};

}  // namespace hearth::cli
