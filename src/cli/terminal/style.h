#pragma once
#include <string>
#include <string_view>

namespace hearth::cli {

bool is_terminal(int fd);

/// Colours, where they are wanted: on a terminal that is not "dumb", unless NO_COLOR is set.
/// Source: no-color.org.
struct Style {
  bool colour = false;

  static Style of(int fd);
  std::string bold(std::string_view text) const { return wrap("1", text); }
  std::string dim(std::string_view text) const { return wrap("2", text); }
  std::string green(std::string_view text) const { return wrap("32", text); }
  std::string yellow(std::string_view text) const { return wrap("33", text); }
  std::string red(std::string_view text) const { return wrap("31", text); }

 private:
  std::string wrap(const char* code, std::string_view text) const;
};

/// `text` made safe to show on a terminal: control characters other than tab and newline become
/// U+FFFD, so that no answer can move the cursor, rename the window or type for its reader.
/// `text` is UTF-8 that does not end inside a character.
std::string printable(std::string_view text);

}  // namespace hearth::cli
