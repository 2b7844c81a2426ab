#include "tools/builtin/diff.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/utf8.h"
#include "tools/builtin/lines.h"
#include "tools/output.h"

namespace hearth::tools {
namespace {

constexpr std::size_t kContext = 3;
constexpr std::string_view kNoEnd = "\\ No newline at end of file\n";

using Lines = std::vector<std::string_view>;

struct Step {
  char mark;              // ' ', '-', '+'
  std::string_view line;  // borrowed from the texts
};

std::vector<Step> all_of(const Lines& lines, char mark) {
  std::vector<Step> steps;
  for (const std::string_view line : lines) steps.push_back({mark, line});
  return steps;
}

/// The longest common subsequence, by the table of its lengths.
std::vector<Step> compare(const Lines& a, const Lines& b) {
  std::vector<Step> steps;
  if (a.size() > kDiffLinesMax || b.size() > kDiffLinesMax) {
    steps = all_of(a, '-');
    const auto added = all_of(b, '+');
    steps.insert(steps.end(), added.begin(), added.end());
    return steps;
  }
  const std::size_t width = b.size() + 1;
  std::vector<std::uint16_t> common((a.size() + 1) * width);  // at most kDiffLinesMax each
  for (std::size_t i = a.size(); i-- > 0;)
    for (std::size_t j = b.size(); j-- > 0;)
      common[i * width + j] =
          a[i] == b[j] ? static_cast<std::uint16_t>(common[(i + 1) * width + j + 1] + 1)
                       : std::max(common[(i + 1) * width + j], common[i * width + j + 1]);
  std::size_t i = 0, j = 0;
  while (i < a.size() || j < b.size()) {
    if (i < a.size() && j < b.size() && a[i] == b[j]) {
      steps.push_back({' ', a[i++]});
      ++j;
    } else if (j == b.size() ||
               (i < a.size() && common[(i + 1) * width + j] >= common[i * width + j + 1])) {
      steps.push_back({'-', a[i++]});
    } else {
      steps.push_back({'+', b[j++]});
    }
  }
  return steps;
}

std::vector<Step> steps_between(const Lines& a, const Lines& b) {
  const std::size_t least = std::min(a.size(), b.size());
  std::size_t head = 0, tail = 0;
  while (head < least && a[head] == b[head]) ++head;
  while (tail < least - head && a[a.size() - 1 - tail] == b[b.size() - 1 - tail]) ++tail;
  const auto part = [&](const Lines& lines) {
    return Lines(lines.begin() + static_cast<std::ptrdiff_t>(head),
                 lines.end() - static_cast<std::ptrdiff_t>(tail));
  };
  std::vector<Step> steps =
      all_of(Lines(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(head)), ' ');
  const auto middle = compare(part(a), part(b));
  steps.insert(steps.end(), middle.begin(), middle.end());
  const auto rest = all_of(Lines(a.end() - static_cast<std::ptrdiff_t>(tail), a.end()), ' ');
  steps.insert(steps.end(), rest.begin(), rest.end());
  return steps;
}

/// Lines with their ends, so that a last line without one differs from one with it.
Lines with_ends(std::string_view text) {
  Lines lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return lines;
}

std::string range_text(char mark, std::size_t first, std::size_t count) {
  return mark + std::to_string(count == 0 ? first : first + 1) +
         (count == 1 ? "" : "," + std::to_string(count));
}

struct Hunk {
  std::size_t begin, end;  // steps
};

/// Steps that differ, with their context; what touches is one.
std::vector<Hunk> hunks_of(const std::vector<Step>& steps) {
  std::vector<Hunk> hunks;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (steps[i].mark == ' ') continue;
    const std::size_t begin = i - std::min(i, kContext);
    const std::size_t end = std::min(steps.size(), i + kContext + 1);
    if (hunks.empty() || hunks.back().end < begin)
      hunks.push_back({begin, end});
    else
      hunks.back().end = end;
  }
  return hunks;
}

}  // namespace

std::string unified_diff(const std::string& name, std::string_view before, std::string_view after) {
  const auto steps = steps_between(with_ends(before), with_ends(after));
  const auto hunks = hunks_of(steps);
  if (hunks.empty()) return "";
  std::string text = "--- " + path_text(name) + "\n+++ " + path_text(name) + "\n";
  std::size_t at = 0, old_line = 0, new_line = 0;
  for (const Hunk& hunk : hunks) {
    for (; at < hunk.begin; ++at) ++old_line, ++new_line;  // all between hunks is common
    std::string body;
    std::size_t old_count = 0, new_count = 0;
    for (; at < hunk.end; ++at) {
      const Step& step = steps[at];
      old_count += step.mark != '+' ? 1 : 0;
      new_count += step.mark != '-' ? 1 : 0;
      body += step.mark + to_utf8(step.line);
      if (!step.line.ends_with('\n')) body += "\n" + std::string(kNoEnd);
    }
    text += "@@ " + range_text('-', old_line, old_count) + " " +
            range_text('+', new_line, new_count) + " @@\n" + body;
    old_line += old_count;
    new_line += new_count;
  }
  return text;
}

}  // namespace hearth::tools
