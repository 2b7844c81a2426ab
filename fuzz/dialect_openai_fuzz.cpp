// Any bytes as what servers of Chat Completions send. One line is an answer and an error; several
// are the events of a stream, which is written on in another dialect.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "dialect/anthropic.h"
#include "dialect/openai.h"
#include "dialect_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hearth::dialect;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  fuzz_require(!openai::read_error(400, text).message.empty());
  check_stream(*openai::make_stream_reader("call"), *anthropic::make_stream_writer("id", "m"),
               text);
  const auto body = hearth::parse_json(text, "body");
  if (body.ok()) check_answer(openai::read_answer(body.value(), "call"));
  return 0;
}
