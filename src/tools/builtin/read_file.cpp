#include <algorithm>

#include "base/utf8.h"
#include "tools/builtin/file_tool.h"
#include "tools/builtin/lines.h"
#include "tools/builtin/make.h"
#include "tools/output.h"

namespace hearth::tools {
namespace {

class ReadFile final : public FileTool {
 public:
  std::string name() const override { return "read_file"; }
  std::string description() const override { return "Read a text file, or some of its lines."; }
  std::string parameters() const override {
    return R"({"type":"object","properties":{
      "path":{"type":"string","minLength":1},
      "offset":{"type":"integer","minimum":1,"maximum":100000000},
      "lines":{"type":"integer","minimum":1,"maximum":100000}},
      "required":["path"],"additionalProperties":false})";
  }
  policy::Effect effect() const override { return policy::Effect::Reads; }
  Result<Outcome> run(const Call& call, const Job& job) const override;
};

/// Some lines, and a last one that says which.
Outcome part_of(std::string_view bytes, std::size_t first, std::size_t count) {
  const auto lines = lines_of(bytes);
  if (first > lines.size()) return {"[the file has " + std::to_string(lines.size()) + " lines]"};
  const std::size_t end = std::min(lines.size(), first - 1 + count);
  std::string text;
  for (std::size_t i = first - 1; i < end && text.size() <= kOutputBytesMax; ++i)
    text += std::string(lines[i]) + "\n";
  text = bounded(to_utf8(text), kOutputBytesMax - 100);  // room for the line below
  return {text + "[lines " + std::to_string(first) + " to " + std::to_string(end) + " of " +
          std::to_string(lines.size()) + "]"};
}

Result<Outcome> ReadFile::run(const Call& call, const Job& job) const {
  TRY(const Spot spot, spot_of(job));
  TRY(std::string bytes, job.asker.workspace->read(call, spot, kFileBytesMax));
  if (is_binary(bytes)) return Outcome{"[binary file, " + std::to_string(bytes.size()) + " bytes]"};
  if (bytes.empty()) return Outcome{"[empty file]"};
  const bool is_whole = !job.arguments.contains("offset") && !job.arguments.contains("lines");
  if (is_whole) return Outcome{to_utf8(bytes)};
  return part_of(bytes, count_argument(job.arguments, "offset", 1),
                 count_argument(job.arguments, "lines", 100'000));
}

}  // namespace

std::unique_ptr<Tool> make_read_file() { return std::make_unique<ReadFile>(); }

}  // namespace hearth::tools
