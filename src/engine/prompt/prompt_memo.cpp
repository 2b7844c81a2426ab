#include "engine/prompt/prompt_memo.h"

#include <initializer_list>

#include "base/fields.h"
#include "engine/prompt/template_input.h"

namespace hearth::engine {
namespace {

std::string key_of(const std::vector<chat::Tool>& tools) {
  std::string key;
  for (const chat::Tool& tool : tools) {
    for (const std::string* text : {&tool.name, &tool.description, &tool.parameters, &tool.outline})
      add_part(key, *text);
  }
  return key;
}

Result<std::shared_ptr<const StandIns>> make_stand_ins(const std::vector<chat::Tool>& tools) {
  constexpr const char* kNoArguments = R"({"type":"object","properties":{}})";
  TRY_VOID(check_tools(tools));
  auto all = std::make_shared<StandIns>();
  for (std::size_t i = 0; i < tools.size(); ++i) {
    const std::string& schema = tools[i].parameters;
    const bool is_empty = schema.find_first_not_of("{} \t\r\n") == std::string::npos;
    const auto added = all->add(is_empty ? kNoArguments : schema);
    if (!added.ok())
      return field_error("tools[" + std::to_string(i) + "].function.parameters",
                         added.error().message);
  }
  return std::shared_ptr<const StandIns>(std::move(all));
}

}  // namespace

/// A pointer to the list, since only under the lock may it be touched. Making is done outside: two
/// threads may make the same, and one of it is kept.
template <class Value, class Make>
Result<Value> PromptMemo::find(Recent<Value> PromptMemo::*list, const std::string& key,
                               Make&& make) {
  if (key.size() > kKeyBytesMax) return make();
  {
    const MutexLock lock(mutex_);
    if (const Value* found = (this->*list).find(key)) return *found;
  }
  TRY(Value made, make());
  const MutexLock lock(mutex_);
  if (!(this->*list).find(key)) (this->*list).keep(key, made);
  return made;
}

Result<std::shared_ptr<const StandIns>> PromptMemo::stand_ins(
    const std::vector<chat::Tool>& tools) {
  return find(&PromptMemo::tools_, key_of(tools), [&] { return make_stand_ins(tools); });
}

Result<void> PromptMemo::once(const std::string& text, const std::function<Result<void>()>& check) {
  const auto checked = find(&PromptMemo::sound_, text, [&]() -> Result<bool> {
    TRY_VOID(check());
    return true;
  });
  return checked.ok() ? ok() : Result<void>(checked.error());
}

std::shared_ptr<const common_peg_arena> PromptMemo::parser(const std::string& saved) {
  using Parser = std::shared_ptr<const common_peg_arena>;
  return find(&PromptMemo::parsers_, saved,
              [&]() -> Result<Parser> {
                auto made = std::make_shared<common_peg_arena>();
                if (!saved.empty()) made->load(saved);
                return Parser(std::move(made));
              })
      .value();
}

}  // namespace hearth::engine
