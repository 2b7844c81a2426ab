#include "cli/terminal/quiet_input.h"

#include <unistd.h>

namespace hearth::cli {

QuietInput::QuietInput() {
  if (::tcgetattr(STDIN_FILENO, &before_) != 0) return;
  termios quiet = before_;
  quiet.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
  // TCSANOW keeps what was typed already; TCSAFLUSH would throw it away.
  changed_ = ::tcsetattr(STDIN_FILENO, TCSANOW, &quiet) == 0;
}

QuietInput::~QuietInput() {
  if (changed_) ::tcsetattr(STDIN_FILENO, TCSANOW, &before_);
}

}  // namespace hearth::cli
