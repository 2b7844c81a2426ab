#include <algorithm>

#include "policy/wildcard.h"
#include "tools/builtin/file_tool.h"
#include "tools/builtin/make.h"
#include "tools/output.h"

namespace hearth::tools {
namespace {

class ListFiles final : public FileTool {
 public:
  std::string name() const override { return "list_files"; }
  std::string description() const override {
    return "List files and folders; pattern is a glob below path: * in a folder, ** across.";
  }
  std::string parameters() const override {
    return R"({"type":"object","properties":{
      "pattern":{"type":"string","minLength":1,"maxLength":1024},
      "path":{"type":"string","minLength":1},
      "hidden":{"type":"boolean"}},
      "additionalProperties":false})";
  }
  policy::Effect effect() const override { return policy::Effect::Reads; }
  Result<Outcome> run(const Call& call, const Job& job) const override;
};

/// How many folders below the first a pattern may reach: all with "**", else as many as it has "/".
std::size_t depth_of(std::string_view pattern) {
  if (pattern.find("**") != std::string_view::npos) return Workspace::kDepthMax;
  return static_cast<std::size_t>(std::count(pattern.begin(), pattern.end(), '/'));
}

class Listing {
 public:
  Listing(const Job& job, const Spot& folder, const policy::Wildcard& pattern, std::size_t depth)
      : job_(job),
        folder_(folder),
        pattern_(pattern),
        depth_(depth),
        hidden_(flag_argument(job.arguments, "hidden")) {}

  Workspace::Next take(const Workspace::Entry& entry);
  Outcome outcome(bool is_whole) const;

 private:
  void add(const Workspace::Entry& entry);

  const Job& job_;
  const Spot& folder_;
  const policy::Wildcard& pattern_;
  const std::size_t depth_;
  const bool hidden_;
  std::size_t listed_ = 0, denied_ = 0;
  std::string text_{};
};

Workspace::Next Listing::take(const Workspace::Entry& entry) {
  const std::string& path = entry.spot.path;
  const std::string below = folder_.path.empty() ? path : path.substr(folder_.path.size() + 1);
  const std::string name = below.substr(below.rfind('/') + 1);
  if (!hidden_ && name.starts_with('.')) return Workspace::Next::SkipFolder;
  if (!job_.is_allowed(target_of(*job_.asker.workspace, entry.spot))) {
    ++denied_;
    return Workspace::Next::SkipFolder;
  }
  if (pattern_.describes(below)) {
    if (listed_ == kListedMax) return Workspace::Next::Stop;
    add(entry);
  }
  const auto depth = static_cast<std::size_t>(std::count(below.begin(), below.end(), '/'));
  return depth < depth_ ? Workspace::Next::GoOn : Workspace::Next::SkipFolder;
}

void Listing::add(const Workspace::Entry& entry) {
  ++listed_;
  const std::string shown = job_.asker.workspace->shown(entry.spot);
  switch (entry.kind) {
    case FileKind::Folder: text_ += path_text(shown + "/") + "\n"; break;
    case FileKind::File:
      text_ += path_text(shown) + " (" + std::to_string(entry.size_bytes) + " bytes)\n";
      break;
    default: text_ += path_text(shown) + " (no regular file)\n";
  }
}

Outcome Listing::outcome(bool is_whole) const {
  std::string text = text_;
  if (listed_ == 0) text += "[nothing matches]\n";
  if (denied_ > 0) text += "[" + std::to_string(denied_) + " left out by a rule]\n";
  if (!is_whole)
    text += "[stopped after " + std::to_string(listed_) + "; a narrower pattern shows the rest]\n";
  text.pop_back();
  return {std::move(text)};
}

Result<Outcome> ListFiles::run(const Call& call, const Job& job) const {
  TRY(const Spot folder, spot_of(job));
  TRY(const Found found, job.asker.workspace->look(folder));
  if (found.kind == FileKind::Absent)
    return Error{Code::NotFound, "path: " + job.target.text + " does not exist", "path"};
  if (found.kind != FileKind::Folder)
    return field_error("path", job.target.text + " is " + found.kind_name + ", not a folder");
  const std::string pattern = text_argument(job.arguments, "pattern", "*");
  TRY(const policy::Wildcard wildcard, policy::Wildcard::make(pattern));
  Listing listing(job, folder, wildcard, depth_of(pattern));
  bool is_stopped = false;
  const auto visit = [&](const Workspace::Entry& entry) -> Result<Workspace::Next> {
    const auto next = listing.take(entry);
    is_stopped = next == Workspace::Next::Stop;
    return next;
  };
  TRY(const bool is_whole, job.asker.workspace->walk(call, folder, visit));
  return listing.outcome(is_whole && !is_stopped);
}

}  // namespace

std::unique_ptr<Tool> make_list_files() { return std::make_unique<ListFiles>(); }

}  // namespace hearth::tools
