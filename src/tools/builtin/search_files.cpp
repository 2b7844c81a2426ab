#include <algorithm>

#include "base/utf8.h"
#include "policy/regex.h"
#include "policy/wildcard.h"
#include "tools/builtin/file_tool.h"
#include "tools/builtin/lines.h"
#include "tools/builtin/make.h"
#include "tools/output.h"

namespace hearth::tools {
namespace {

constexpr std::size_t kLinesBetweenLooks = 4'096;  // at the call

class SearchFiles final : public FileTool {
 public:
  std::string name() const override { return "search_files"; }
  std::string description() const override {
    return "Search a file, or the files below a folder, for lines that match a regular expression.";
  }
  std::string parameters() const override {
    return R"({"type":"object","properties":{
      "pattern":{"type":"string","minLength":1,"maxLength":1024},
      "path":{"type":"string","minLength":1},
      "glob":{"type":"string","minLength":1,"maxLength":1024},
      "context":{"type":"integer","minimum":0,"maximum":10},
      "ignore_case":{"type":"boolean"},
      "hidden":{"type":"boolean"}},
      "required":["pattern"],"additionalProperties":false})";
  }
  policy::Effect effect() const override { return policy::Effect::Reads; }
  Result<Outcome> run(const Call& call, const Job& job) const override;
};

/// One search, as grep shows it: "path:12:line", "path-13-line" for context, "--" between groups.
class Search {
 public:
  Search(const Call& call, const Job& job, policy::Regex wanted, policy::Wildcard glob)
      : call_(call),
        job_(job),
        wanted_(std::move(wanted)),
        glob_(std::move(glob)),
        context_(count_argument(job.arguments, "context", 0)),
        hidden_(flag_argument(job.arguments, "hidden")) {}

  Result<Workspace::Next> take(const Workspace::Entry& entry, const Spot& folder);
  Result<void> search(const Spot& spot, std::uint64_t size_bytes);
  bool is_full() const { return matches_ >= kMatchesMax || bytes_ >= kSearchedBytesMax; }
  Outcome outcome(bool is_whole) const;

 private:
  Result<void> search_text(const std::string& shown, std::string_view bytes);
  void show(const std::string& shown, const std::vector<std::string_view>& lines,
            std::size_t number, std::size_t& shown_until);
  void show_line(const std::string& shown, std::string_view line, std::size_t number, char mark);

  const Call& call_;
  const Job& job_;
  const policy::Regex wanted_;
  const policy::Wildcard glob_;
  const std::size_t context_;
  const bool hidden_;
  std::size_t matches_ = 0, files_ = 0, binaries_ = 0, too_large_ = 0, unreadable_ = 0, denied_ = 0;
  std::uint64_t bytes_ = 0;
  std::string text_{};
};

Result<Workspace::Next> Search::take(const Workspace::Entry& entry, const Spot& folder) {
  const std::string& path = entry.spot.path;
  const std::string below = folder.path.empty() ? path : path.substr(folder.path.size() + 1);
  const std::string name = below.substr(below.rfind('/') + 1);
  if (!hidden_ && name.starts_with('.')) return Workspace::Next::SkipFolder;
  if (!job_.is_allowed(target_of(*job_.asker.workspace, entry.spot))) {
    ++denied_;
    return Workspace::Next::SkipFolder;
  }
  // A glob without "/" is meant for names, wherever they are.
  if (entry.kind == FileKind::File && (glob_.describes(below) || glob_.describes(name)))
    TRY_VOID(search(entry.spot, entry.size_bytes));
  return is_full() ? Workspace::Next::Stop : Workspace::Next::GoOn;
}

Result<void> Search::search(const Spot& spot, std::uint64_t size_bytes) {
  if (size_bytes > kFileBytesMax) {
    ++too_large_;
    return ok();
  }
  auto bytes = job_.asker.workspace->read(call_, spot, kFileBytesMax);
  if (!bytes.ok()) {
    const Code code = bytes.error().code;
    if (code == Code::Cancelled || code == Code::Timeout) return std::move(bytes).error();
    ++unreadable_;  // it went away, or may not be read: the others still may
    return ok();
  }
  bytes_ += bytes.value().size();
  if (!is_binary(bytes.value())) {
    return search_text(path_text(job_.asker.workspace->shown(spot)), bytes.value());
  }
  ++binaries_;
  return ok();
}

Result<void> Search::search_text(const std::string& shown, std::string_view bytes) {
  const auto lines = lines_of(bytes);
  const std::size_t matches_before = matches_;
  std::size_t shown_until = 0;  // lines of this file that were shown, or are before such
  for (std::size_t i = 0; i < lines.size() && matches_ < kMatchesMax; ++i) {
    if (i % kLinesBetweenLooks == 0) TRY_VOID(still_wanted(call_));
    if (!wanted_.is_found_in(lines[i])) continue;
    ++matches_;
    show(shown, lines, i, shown_until);
  }
  files_ += matches_ > matches_before ? 1 : 0;
  return ok();
}

void Search::show(const std::string& shown, const std::vector<std::string_view>& lines,
                  std::size_t number, std::size_t& shown_until) {
  const std::size_t begin = std::max(shown_until, number - std::min(number, context_));
  const std::size_t end = std::min(lines.size(), number + context_ + 1);
  if (context_ > 0 && !text_.empty() && (begin > shown_until || shown_until == 0)) text_ += "--\n";
  // Lines behind the match that match too are shown as such by their own turn.
  for (std::size_t i = begin; i < end; ++i) {
    const bool is_match = i == number || (i > number && wanted_.is_found_in(lines[i]));
    if (i > number && is_match) break;
    show_line(shown, lines[i], i + 1, is_match ? ':' : '-');
    shown_until = i + 1;
  }
}

void Search::show_line(const std::string& shown, std::string_view line, std::size_t number,
                       char mark) {
  if (text_.size() > kOutputBytesMax) return;  // it will be cut anyhow
  if (line.ends_with('\r')) line.remove_suffix(1);
  std::string text = to_utf8(line.substr(0, kLineBytesMax + 4));
  if (line.size() > kLineBytesMax) text = bounded(to_utf8(line), kLineBytesMax);
  std::replace(text.begin(), text.end(), '\n', ' ');
  text_ += shown + mark + std::to_string(number) + mark + text + "\n";
}

Outcome Search::outcome(bool is_whole) const {
  const auto also = [](std::size_t count, const char* what) {
    return count > 0 ? ", " + std::to_string(count) + " " + what : std::string();
  };
  std::string last = "[" + std::to_string(matches_) + " matching lines in " +
                     std::to_string(files_) + " files" + also(binaries_, "binary files skipped") +
                     also(too_large_, "files too large") + also(unreadable_, "unreadable") +
                     also(denied_, "left out by a rule");
  if (!is_whole || is_full()) last += "; stopped early, a narrower search shows the rest";
  last += "]";
  return {bounded(text_, kOutputBytesMax - last.size() - 1) +
          (text_.size() > kOutputBytesMax - last.size() - 1 ? "\n" : "") + last};
}

Result<Outcome> SearchFiles::run(const Call& call, const Job& job) const {
  TRY(const Spot spot, spot_of(job));
  TRY(policy::Regex wanted,
      policy::Regex::make(text_argument(job.arguments, "pattern"),
                          {.ignores_case = flag_argument(job.arguments, "ignore_case")}));
  auto glob = policy::Wildcard::make(text_argument(job.arguments, "glob", "**"));
  if (!glob.ok()) return field_error("glob", glob.error().message);
  Search search(call, job, std::move(wanted), std::move(glob).value());
  TRY(const Found found, job.asker.workspace->look(spot));
  if (found.kind == FileKind::Absent)
    return Error{Code::NotFound, "path: " + job.target.text + " does not exist", "path"};
  if (found.kind == FileKind::Other)
    return field_error("path", job.target.text + " is " + found.kind_name);
  if (found.kind == FileKind::File) {
    TRY_VOID(search.search(spot, found.size_bytes));
    return search.outcome(true);
  }
  const auto visit = [&](const Workspace::Entry& entry) { return search.take(entry, spot); };
  TRY(const bool is_whole, job.asker.workspace->walk(call, spot, visit));
  return search.outcome(is_whole);
}

}  // namespace

std::unique_ptr<Tool> make_search_files() { return std::make_unique<SearchFiles>(); }

}  // namespace hearth::tools
