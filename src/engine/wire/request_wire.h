#pragma once
#include <cstdint>
#include <nlohmann/json.hpp>

#include "base/fields.h"
#include "base/result.h"
#include "engine/frames.h"

/// Requests as JSON values (which frames.cpp packs), and back with every field checked.
namespace hearth::engine::wire {

/// The type byte of each request. A number that was used once is never given to another meaning.
enum class RequestType : std::uint8_t {
  Load = 1,
  Generate = 2,
  Cancel = 3,
  Embed = 4,
  Tokenize = 5,
  Detokenize = 6,
  Stats = 7,
  Unload = 8,
  Identify = 9,
};

RequestType request_type(const Request& request);
nlohmann::ordered_json request_body(const Request& request);
/// Errors: InvalidInput.
Result<Request> read_request(std::uint8_t type, const nlohmann::ordered_json& body);

/// A chat::Request alone.
nlohmann::ordered_json chat_request_body(const chat::Request& request);
Result<chat::Request> read_chat_request(const Fields& fields);

}  // namespace hearth::engine::wire
