#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "chat/message.h"
#include "tools/schema.h"
#include "tools/tool.h"

namespace hearth::tools {

/// The tools of a program, by name, frozen when it is made: a model's prompt and grammar are made
/// from them. Immutable; any thread.
class Registry {
 public:
  static constexpr std::size_t kToolsMax = 128;
  static constexpr std::size_t kNameBytesMax = 64;
  static constexpr std::size_t kDescriptionBytesMax = 1'024;

  struct Entry {
    std::unique_ptr<Tool> tool;
    std::string name;
    Schema schema;
  };

  /// Errors: InvalidInput, naming the tool and the reason: a name that is none or is there twice, a
  /// description of more than one line, a schema that cannot be used (Schema::make); TooLarge.
  static Result<Registry> make(std::vector<std::unique_ptr<Tool>> tools);

  /// nullptr: there is none.
  const Entry* find(std::string_view name) const;
  const std::vector<Entry>& entries() const { return entries_; }

  /// The tools as requests bring them: the whole schema for the grammar, an outline for the prompt.
  std::vector<chat::Tool> for_grammar() const;

 private:
  explicit Registry(std::vector<Entry> entries) : entries_(std::move(entries)) {}
  std::vector<Entry> entries_;
};

}  // namespace hearth::tools
