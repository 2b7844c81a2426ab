#include "engine/frames.h"

#include <nlohmann/json.hpp>

#include "base/fields.h"
#include "engine/wire/reply_wire.h"
#include "engine/wire/request_wire.h"

namespace hearth::engine {
namespace {

using json = Json;

constexpr int kDepthMax = 16;                        // of nested values; our deepest frame has 8
constexpr std::size_t kFrameMembersMax = 64;         // of one object; our largest has 30
constexpr std::size_t kValuesMax = 2 * 1024 * 1024;  // of one frame; a long prompt as tokens fits

/// Walks a payload without keeping it, and stops at the first breach. The real parse then neither
/// recurses too deep nor makes a frame of 32 MiB of empty values into gigabytes.
class BoundsCheck final : public nlohmann::json_sax<json> {
 public:
  bool null() override { return count(); }
  bool boolean(bool) override { return count(); }
  bool number_integer(number_integer_t) override { return count(); }
  bool number_unsigned(number_unsigned_t) override { return count(); }
  bool number_float(number_float_t, const string_t&) override { return count(); }
  bool string(string_t&) override { return count(); }
  bool binary(binary_t&) override { return count(); }
  bool key(string_t&) override { return true; }
  bool start_object(std::size_t members) override {
    return count() && members <= kFrameMembersMax && ++depth_ <= kDepthMax;
  }
  bool start_array(std::size_t) override { return count() && ++depth_ <= kDepthMax; }
  bool end_object() override { return --depth_ >= 0; }
  bool end_array() override { return --depth_ >= 0; }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override {
    return false;
  }

 private:
  bool count() { return ++values_ <= kValuesMax; }
  int depth_ = 0;
  std::size_t values_ = 0;
};

Encoded pack(std::uint8_t type, const json& body) {
  Encoded encoded{.type = type, .payload = {}};
  json::to_msgpack(body, encoded.payload);
  return encoded;
}

Result<json> unpack(std::string_view payload) {
  BoundsCheck bounds;
  const bool good = json::sax_parse(payload, &bounds, json::input_format_t::msgpack);
  if (!good) return field_error("payload", "is not well-formed MessagePack within the bounds");
  auto body = json::from_msgpack(payload, /*strict=*/true, /*allow_exceptions=*/false);
  if (body.is_discarded()) return field_error("payload", "is not well-formed MessagePack");
  return body;
}

}  // namespace

Encoded encode(const Request& request) {
  return pack(static_cast<std::uint8_t>(wire::request_type(request)), wire::request_body(request));
}

Encoded encode(const Reply& reply) {
  return pack(static_cast<std::uint8_t>(wire::reply_type(reply)), wire::reply_body(reply));
}

Result<Request> decode_request(std::uint8_t type, std::string_view payload) {
  TRY(const auto body, unpack(payload));
  return wire::read_request(type, body);
}

Result<Reply> decode_reply(std::uint8_t type, std::string_view payload) {
  TRY(const auto body, unpack(payload));
  return wire::read_reply(type, body);
}

}  // namespace hearth::engine
