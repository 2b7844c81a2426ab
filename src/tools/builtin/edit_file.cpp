#include "tools/builtin/change.h"
#include "tools/builtin/make.h"
#include "tools/output.h"

namespace hearth::tools {
namespace {

class EditFile final : public FileTool {
 public:
  explicit EditFile(Undo& undo) : undo_(undo) {}
  std::string name() const override { return "edit_file"; }
  std::string description() const override {
    return "Replace a piece of a text file; old must occur exactly once, or set replace_all.";
  }
  std::string parameters() const override {
    return R"({"type":"object","properties":{
      "path":{"type":"string","minLength":1},
      "old":{"type":"string","minLength":1},
      "new":{"type":"string"},
      "replace_all":{"type":"boolean"}},
      "required":["path","old","new"],"additionalProperties":false})";
  }
  policy::Effect effect() const override { return policy::Effect::Writes; }

  Result<std::string> preview(const Call& call, const Job& job) const override {
    TRY(const Edit edit, wanted(call, job));
    return preview_of(*job.asker.workspace, edit.change);
  }
  Result<Outcome> run(const Call& call, const Job& job) const override {
    TRY(const Edit edit, wanted(call, job));
    TRY_VOID(apply(call, *job.asker.workspace, undo_, edit.change));
    return Outcome{"replaced " + std::to_string(edit.places) +
                   (edit.places == 1 ? " place in " : " places in ") + path_text(job.target.text)};
  }

 private:
  struct Edit {
    FileChange change;
    std::size_t places = 0;
  };
  static Result<Edit> wanted(const Call& call, const Job& job);

  Undo& undo_;
};

std::size_t count_of(std::string_view text, std::string_view piece) {
  std::size_t count = 0;
  for (std::size_t at = text.find(piece); at != std::string_view::npos;
       at = text.find(piece, at + piece.size()))
    ++count;
  return count;
}

/// `text` with every `old` replaced. Errors: TooLarge.
Result<std::string> replaced(std::string_view text, std::string_view old, std::string_view now) {
  std::string after;
  std::size_t from = 0;
  for (std::size_t at = text.find(old); at != std::string_view::npos; at = text.find(old, from)) {
    after.append(text.substr(from, at - from)).append(now);
    from = at + old.size();
    if (after.size() > kFileBytesMax) break;
  }
  after.append(text.substr(from));
  if (after.size() > kFileBytesMax)
    return Error{Code::TooLarge, "new: the file would be larger than 8 MiB", "new"};
  return after;
}

Result<EditFile::Edit> EditFile::wanted(const Call& call, const Job& job) {
  Edit edit;
  TRY(edit.change, change_at(call, job));
  if (!edit.change.before)
    return Error{Code::NotFound, "path: " + path_text(job.target.text) + " does not exist", "path"};
  if (is_binary(*edit.change.before))
    return field_error("path", path_text(job.target.text) + " is a binary file");
  const std::string old = text_argument(job.arguments, "old");
  const std::string now = text_argument(job.arguments, "new");
  if (old == now) return field_error("new", "is the same as old");
  edit.places = count_of(*edit.change.before, old);
  if (edit.places == 0)
    return field_error("old", "does not occur in " + path_text(job.target.text) +
                                  "; read the file and copy it exactly, with its white space");
  if (edit.places > 1 && !flag_argument(job.arguments, "replace_all"))
    return field_error("old", "occurs " + std::to_string(edit.places) +
                                  " times; give more of the lines around it, or set replace_all");
  TRY(edit.change.after, replaced(*edit.change.before, old, now));
  return edit;
}

}  // namespace

std::unique_ptr<Tool> make_edit_file(Undo& undo) { return std::make_unique<EditFile>(undo); }

}  // namespace hearth::tools
