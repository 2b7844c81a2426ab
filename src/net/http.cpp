#include "net/http.h"

#include "net/server/words.h"

namespace hearth::net {

namespace {

const std::string* find_in(const Headers& headers, std::string_view name) {
  for (const auto& [key, value] : headers) {
    if (same_word(key, name)) return &value;
  }
  return nullptr;
}

}  // namespace

const std::string* Request::header(std::string_view name) const { return find_in(headers, name); }
const std::string* Response::header(std::string_view name) const { return find_in(headers, name); }

}  // namespace hearth::net
