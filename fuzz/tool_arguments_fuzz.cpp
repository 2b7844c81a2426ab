// Any bytes as a tool's schema and a model's arguments, split at the first zero byte: an answer or
// an error, soon; what was accepted once is accepted again.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "tools/schema.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using hearth::tools::Schema;
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  const std::size_t zero = std::min(all.find('\0'), all.size());
  const auto schema = Schema::make(all.substr(0, zero));
  if (!schema.ok() && schema.error().message.empty()) std::abort();
  if (!schema.ok()) return 0;
  if (!Schema::make(schema.value().text()).ok()) std::abort();
  const auto read = schema.value().read(all.substr(std::min(zero + 1, size)));
  if (!read.ok() && read.error().message.empty()) std::abort();
  if (read.ok() && !schema.value().read(read.value().dump()).ok()) std::abort();
  return 0;
}
