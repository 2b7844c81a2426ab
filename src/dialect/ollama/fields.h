#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "dialect/ollama.h"

/// What requests of Ollama's API share.
namespace hearth::dialect::ollama {

/// `keep_alive`: seconds, or a duration as Go writes it ("5m", "1h30m", "-1"). Errors:
/// InvalidInput.
Result<std::optional<std::int64_t>> read_keep_alive(const Fields& fields);
/// `options` into the request; those of the runner are lost. Errors: InvalidInput.
Result<void> read_options(const Fields& fields, chat::Request& request, Lost& lost);
/// `format`: "json", "" or a schema. Errors: InvalidInput.
Result<chat::OutputFormat> read_format(const Fields& fields);
/// Base64 without a type, which its first bytes tell. Errors: InvalidInput.
Result<chat::Image> read_image(const Json& value, const std::string& path);

}  // namespace hearth::dialect::ollama
