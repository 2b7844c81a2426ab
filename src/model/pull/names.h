#pragma once
#include <string>
#include <string_view>

/// What names of models, files and hashes may be. Pure.
namespace hearth::model {

inline constexpr std::size_t kModelNameBytesMax = 128;

/// A name that is also that of a file: letters, digits and . - _ +, a letter or digit first.
bool is_model_name(std::string_view name);
bool same_name(std::string_view a, std::string_view b);  // whatever their case

/// "owner/repository/file" or with folders between: at least three parts, each a name.
bool is_hub_path(std::string_view path);

/// 64 lower-case hex digits.
bool is_sha256(std::string_view text);

/// UTF-8 without control characters.
bool is_printable(std::string_view text);

}  // namespace hearth::model
