#pragma once
#include <string>
#include <string_view>

#include "cli/terminal/style.h"

namespace hearth::cli {

/// A unified diff for a terminal, two columns in, in colours where they are wanted; other text as
/// it is. All of it is visible(). What a line begins with is the diff's own mark, so nothing in a
/// file can look like another part of it. Pure.
class DiffText {
 public:
  explicit DiffText(const Style& style) : style_(style) {}

  std::string of(std::string_view text);

 private:
  std::string line(std::string_view text);

  const Style& style_;
  bool in_hunk_ = false;
};

}  // namespace hearth::cli
