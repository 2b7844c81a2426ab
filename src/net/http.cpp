#include "net/http.h"

#include "net/server/words.h"

namespace hearth::net {

const std::string* Request::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (same_word(key, name)) return &value;
  }
  return nullptr;
}

}  // namespace hearth::net
