#include "app/turn_script.h"

#include "base/fields.h"
#include "chat/message_json.h"

namespace hearth::app {
namespace {

constexpr std::size_t kNameBytesMax = 64;

std::string item(const Fields& fields, const char* name, std::size_t number) {
  return fields.path(name) + "[" + std::to_string(number) + "]";
}

/// Each item of a list by `read`, which is given the item's fields.
template <class Read>
Result<void> each(const Fields& fields, const char* name, Read&& read) {
  TRY(const Json* const list, fields.array(name, kScriptPartsMax));
  if (!list) return ok();
  for (std::size_t i = 0; i < list->size(); ++i) {
    TRY(const Fields one, Fields::of((*list)[i], item(fields, name, i)));
    TRY_VOID(read(one));
  }
  return ok();
}

Result<std::vector<std::string>> lines(const Fields& fields, const char* name) {
  TRY(const Json* const list, fields.array(name, kScriptPartsMax));
  std::vector<std::string> out;
  if (!list) return out;
  for (std::size_t i = 0; i < list->size(); ++i) {
    if (!(*list)[i].is_string()) return field_error(item(fields, name, i), "a string is required");
    out.push_back((*list)[i].get<std::string>());
  }
  return out;
}

/// "path": "content", or null for none.
Result<std::vector<TurnScript::File>> files(const Json& whole, const char* name) {
  std::vector<TurnScript::File> out;
  const auto found = whole.find(name);
  if (found == whole.end()) return out;
  if (!found->is_object() || found->size() > kScriptPartsMax)
    return field_error(name, "an object of at most " + std::to_string(kScriptPartsMax) +
                                 " paths and contents is required");
  for (const auto& [path, content] : found->items()) {
    if (!content.is_string() && !content.is_null())
      return field_error(std::string(name) + "." + path, "a string or null is required");
    out.push_back(
        {path, content.is_string() ? std::optional(content.get<std::string>()) : std::nullopt});
  }
  return out;
}

Result<chat::Message> read_answer(const Fields& fields, std::size_t& calls) {
  chat::Message said{.role = chat::Role::Assistant, .content = {}};
  TRY(said.content, fields.text_or("text", ""));
  TRY_VOID(each(fields, "calls", [&](const Fields& call) -> Result<void> {
    TRY(std::string name, call.text("name"));
    if (name.empty() || name.size() > kNameBytesMax)
      return call.wrong("name", "1 to " + std::to_string(kNameBytesMax) + " bytes are required");
    const Json* const arguments = call.find("arguments");
    // A text is told as it is: what a model says need not be JSON.
    const std::string text = !arguments               ? "{}"
                             : arguments->is_string() ? arguments->get<std::string>()
                                                      : chat::json_text(*arguments);
    said.tool_calls.push_back({"call_" + std::to_string(++calls), std::move(name), text});
    return ok();
  }));
  return said;
}

Result<TurnScript::Turn> read_turn(const Fields& fields) {
  TurnScript::Turn turn;
  TRY(turn.message, fields.text("message"));
  TRY(const auto decisions, lines(fields, "decide"));
  for (const std::string& one : decisions) {
    if (one != "allow" && one != "deny")
      return fields.wrong("decide", "\"allow\" or \"deny\" is required");
    turn.decide.push_back(one == "allow");
  }
  if (fields.has("expect")) {
    TRY(turn.expect, lines(fields, "expect"));
  }
  TRY(turn.ends, fields.text_or("ends", turn.ends));
  for (const char* known : {"done", "failed", "dropped", "running"})
    if (turn.ends == known) return turn;
  return fields.wrong("ends", "\"done\", \"failed\", \"dropped\" or \"running\" is required");
}

}  // namespace

Result<TurnScript> read_turn_script(std::string_view text) {
  if (text.size() > kScriptBytesMax)
    return Error{Code::TooLarge,
                 "a script has at most " + std::to_string(kScriptBytesMax) + " bytes"};
  TRY(const Json whole, parse_json(text, "script"));
  TRY(const Fields fields, Fields::of(whole));
  TurnScript script;
  TRY(script.about, fields.text_or("about", ""));
  TRY(script.files, files(whole, "files"));
  TRY(script.files_after, files(whole, "files_after"));
  if (fields.has("says")) {
    script.says.emplace();
    std::size_t calls = 0;
    TRY_VOID(each(fields, "says", [&](const Fields& one) -> Result<void> {
      TRY(auto said, read_answer(one, calls));
      script.says->push_back(std::move(said));
      return ok();
    }));
  }
  TRY_VOID(each(fields, "turns", [&](const Fields& one) -> Result<void> {
    TRY(auto turn, read_turn(one));
    script.turns.push_back(std::move(turn));
    return ok();
  }));
  if (script.turns.empty()) return field_error("turns", "at least one is required");
  TRY_VOID(each(fields, "rows", [&](const Fields& one) -> Result<void> {
    TurnScript::Rows rows;
    TRY(rows.sql, one.text("sql"));
    TRY(rows.gives, lines(one, "gives"));
    script.rows.push_back(std::move(rows));
    return ok();
  }));
  return script;
}

}  // namespace hearth::app
