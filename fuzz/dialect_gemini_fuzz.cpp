// Any bytes as what Gemini sends, and as a schema for it. One line is an answer and an error;
// several are the events of a stream, which is written on in another dialect.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "dialect/anthropic.h"
#include "dialect/gemini.h"
#include "dialect_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hearth::dialect;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  fuzz_require(!gemini::read_error(400, text).message.empty());
  check_stream(*gemini::make_stream_reader("call"), *anthropic::make_stream_writer("id", "m"),
               text);
  const auto body = hearth::parse_json(text, "body");
  if (!body.ok()) return 0;
  check_answer(gemini::read_answer(body.value(), "call"));
  Lost lost;
  fuzz_require(gemini::schema_subset(body.value(), "schema", lost).is_object());
  check_lost(lost);
  return 0;
}
