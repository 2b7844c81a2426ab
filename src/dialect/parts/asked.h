#pragma once
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dialect/exchange.h"
#include "dialect/message_parts.h"

/// What all server faces read alike. Strict, as a public door is. Errors: InvalidInput with the
/// field.
namespace hearth::dialect {

inline constexpr std::size_t kNameBytesMax = 64;     // of a tool
inline constexpr std::size_t kCallIdBytesMax = 256;  // of a call
inline constexpr std::size_t kModelBytesMax = 256;   // of a model's name
inline constexpr std::size_t kPartsMax = 1'024;      // of one message
inline constexpr std::int64_t kTokensMax = 2'147'483'647;
inline constexpr double kSmallestShare = 1e-6;  // the least top_p that the engine takes

bool is_function_name(std::string_view name);
Result<std::string> read_model(const Fields& fields);
Result<std::string> read_function_name(const Fields& fields);
/// A tool's name, description and schema, the last under the name that the dialect gives it.
Result<chat::Tool> read_tool(const Fields& fields, std::string_view schema);
Result<std::string> read_call_id(const Fields& fields, std::string_view name);
/// A JSON Schema of an object as text; "{}" where it is absent.
Result<std::string> read_schema(const Fields& fields, std::string_view name);
Result<std::vector<std::string>> read_stops(const Fields& fields, std::string_view name);
Result<chat::OutputFormat> read_schema_format(const Json& schema, std::string path);
/// A whole number of at least 1; absent: none.
Result<std::optional<std::uint32_t>> read_tokens_max(const Fields& fields, std::string_view name);
/// [0, 1]; 0 becomes the least that the engine takes.
Result<float> read_top_p(const Fields& fields);
Result<chat::ToolChoice> named_choice(std::string name, const std::vector<chat::Tool>& tools,
                                      const std::string& field);
/// Refuses two tools of one name, and a tool that must be called where there is none.
Result<void> check_tools(const chat::Conversation& talk);
/// Every member of `object` that is not among `known` is lost.
void lose_unknown(const Json& object, std::string_view path,
                  std::initializer_list<std::string_view> known, Lost& lost);

/// Gives each tool's message the name of the tool whose call it answers.
void name_answers(std::vector<chat::Message>& messages);

}  // namespace hearth::dialect
