#include "cli/approvals/diff_text.h"

#include <algorithm>

#include "cli/terminal/visible.h"

namespace hearth::cli {

std::string DiffText::of(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    out += "  " + line(text.substr(0, end)) + "\n";
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

std::string DiffText::line(std::string_view text) {
  const std::string shown = visible(text);
  if (text.starts_with("@@")) {
    in_hunk_ = true;
    return style_.dim(shown);
  }
  if (!in_hunk_) return style_.bold(shown);
  if (text.starts_with('+')) return style_.green(shown);
  return text.starts_with('-') ? style_.red(shown) : shown;
}

}  // namespace hearth::cli
