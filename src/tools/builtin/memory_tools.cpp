#include "tools/builtin/file_tool.h"
#include "tools/builtin/make.h"

namespace hearth::tools {
namespace {

class MemoryTool : public Tool {
 public:
  explicit MemoryTool(MemoryBook& memories) : memories_(memories) {}
  Result<Target> target(const Call&, const Json&, const Asker&) const override {
    return Target{.text = "memory", .place = policy::Place::Memory};
  }

 protected:
  MemoryBook& memories_;
};

class Remember final : public MemoryTool {
 public:
  using MemoryTool::MemoryTool;
  std::string name() const override { return "remember"; }
  std::string description() const override { return "Keep a fact for later conversations."; }
  std::string parameters() const override {
    return R"({"type":"object","properties":{
      "text":{"type":"string","minLength":1,"maxLength":2000}},
      "required":["text"],"additionalProperties":false})";
  }
  policy::Effect effect() const override { return policy::Effect::Writes; }
  Result<std::string> preview(const Call&, const Job& job) const override {
    return "remember: " + text_argument(job.arguments, "text");
  }
  Result<Outcome> run(const Call& call, const Job& job) const override {
    const std::string text = text_argument(job.arguments, "text");
    if (text.size() > kMemoryBytesMax)
      return Error{Code::TooLarge, "text: at most 2000 bytes are remembered", "text"};
    TRY(const Memory made, memories_.remember(call, job.asker.owner, text));
    return Outcome{"remembered as " + made.id};
  }
};

class Recall final : public MemoryTool {
 public:
  using MemoryTool::MemoryTool;
  std::string name() const override { return "recall"; }
  std::string description() const override { return "Find facts that were remembered, by words."; }
  std::string parameters() const override {
    return R"({"type":"object","properties":{
      "words":{"type":"string","minLength":1,"maxLength":500},
      "count":{"type":"integer","minimum":1,"maximum":20}},
      "required":["words"],"additionalProperties":false})";
  }
  policy::Effect effect() const override { return policy::Effect::Reads; }
  Result<Outcome> run(const Call& call, const Job& job) const override {
    TRY(const auto found,
        memories_.recall(call, job.asker.owner, text_argument(job.arguments, "words"),
                         count_argument(job.arguments, "count", 5)));
    std::string text;
    for (const Memory& one : found) text += (text.empty() ? "" : "\n") + one.id + ": " + one.text;
    return Outcome{text.empty() ? "[nothing remembered about that]" : text};
  }
};

class Forget final : public MemoryTool {
 public:
  using MemoryTool::MemoryTool;
  std::string name() const override { return "forget"; }
  std::string description() const override { return "Forget a remembered fact, by its id."; }
  std::string parameters() const override {
    return R"({"type":"object","properties":{
      "id":{"type":"string","minLength":1,"maxLength":128}},
      "required":["id"],"additionalProperties":false})";
  }
  policy::Effect effect() const override { return policy::Effect::Writes; }
  Result<std::string> preview(const Call&, const Job& job) const override {
    return "forget " + text_argument(job.arguments, "id");
  }
  Result<Outcome> run(const Call& call, const Job& job) const override {
    const std::string id = text_argument(job.arguments, "id");
    TRY_VOID(memories_.forget(call, job.asker.owner, id));
    return Outcome{"forgot " + id};
  }
};

}  // namespace

std::unique_ptr<Tool> make_remember(MemoryBook& memories) {
  return std::make_unique<Remember>(memories);
}
std::unique_ptr<Tool> make_recall(MemoryBook& memories) {
  return std::make_unique<Recall>(memories);
}
std::unique_ptr<Tool> make_forget(MemoryBook& memories) {
  return std::make_unique<Forget>(memories);
}

}  // namespace hearth::tools
