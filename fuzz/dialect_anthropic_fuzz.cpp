// Any bytes as what Anthropic's clients and servers send. One line is a request, an answer and an
// error; several are the events of a stream. What is accepted keeps its bounds and can be written.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "dialect/anthropic.h"
#include "dialect_fuzz.h"

namespace {

using namespace hearth::dialect;

void check_request(const hearth::Json& body) {
  for (const auto endpoint : {anthropic::Endpoint::Messages, anthropic::Endpoint::CountTokens}) {
    auto got = anthropic::read_request(body, endpoint);
    check_ask(got);
    if (!got.ok()) continue;
    const auto wrote = anthropic::write_request(got.value().what);
    if (!wrote.ok()) continue;  // nothing but blanks
    fuzz_require(anthropic::read_request(wrote.value().what).ok());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  fuzz_require(!anthropic::read_error(400, text).message.empty());
  check_stream(*anthropic::make_stream_reader(), *anthropic::make_stream_writer("id", "m"), text);
  const auto body = hearth::parse_json(text, "body");
  if (!body.ok()) return 0;
  check_request(body.value());
  const auto answer = anthropic::read_answer(body.value());
  check_answer(answer);
  if (answer.ok())
    fuzz_require(anthropic::read_answer(anthropic::write_answer(answer.value().what).what).ok());
  return 0;
}
