#include "tools/builtin/change.h"
#include "tools/builtin/make.h"
#include "tools/output.h"

namespace hearth::tools {
namespace {

class WriteFile final : public FileTool {
 public:
  explicit WriteFile(Undo& undo) : undo_(undo) {}
  std::string name() const override { return "write_file"; }
  std::string description() const override {
    return "Write a whole text file, new or in place of the old one.";
  }
  std::string parameters() const override {
    return R"({"type":"object","properties":{
      "path":{"type":"string","minLength":1},
      "content":{"type":"string"}},
      "required":["path","content"],"additionalProperties":false})";
  }
  policy::Effect effect() const override { return policy::Effect::Writes; }

  Result<std::string> preview(const Call& call, const Job& job) const override {
    TRY(const FileChange change, wanted(call, job));
    return preview_of(*job.asker.workspace, change);
  }
  Result<Outcome> run(const Call& call, const Job& job) const override {
    TRY(const FileChange change, wanted(call, job));
    TRY_VOID(apply(call, *job.asker.workspace, undo_, change));
    return Outcome{std::string(change.before ? "replaced " : "created ") +
                   path_text(job.target.text) + " (" + std::to_string(change.after.size()) +
                   " bytes)"};
  }

 private:
  static Result<FileChange> wanted(const Call& call, const Job& job) {
    TRY(FileChange change, change_at(call, job));
    change.after = text_argument(job.arguments, "content");
    return change;
  }

  Undo& undo_;
};

}  // namespace

std::unique_ptr<Tool> make_write_file(Undo& undo) { return std::make_unique<WriteFile>(undo); }

}  // namespace hearth::tools
