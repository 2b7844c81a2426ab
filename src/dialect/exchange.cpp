#include "dialect/exchange.h"

#include <algorithm>

#include "base/utf8.h"

namespace hearth::dialect {
namespace {

Code code_of(int status) {
  switch (status) {
    case 401:
    case 402:
    case 403: return Code::Denied;
    case 404: return Code::NotFound;
    case 408:
    case 504: return Code::Timeout;
    case 409:
    case 429: return Code::Busy;
    case 413: return Code::TooLarge;
    default: break;
  }
  return status >= 400 && status < 500 ? Code::InvalidInput : Code::Unavailable;
}

std::string shortened(std::string_view said) {
  std::string text = to_utf8(said.substr(0, kSaidBytesMax));
  return said.size() > kSaidBytesMax ? text + "…" : text;
}

}  // namespace

bool is_declined(const chat::Finished& finished) {
  return std::ranges::find(finished.notes, kDeclinedNote) != finished.notes.end();
}

Error provider_error(int status, std::string_view said) {
  std::string where = status == 0 ? "" : " (HTTP " + std::to_string(status) + ")";
  if (status == 401)
    return {Code::Denied, "the provider did not accept the key" + std::move(where), {}};
  std::string message = "the provider refused" + std::move(where);
  if (!said.empty()) message += ": " + shortened(said);
  return {code_of(status), std::move(message), {}};
}

}  // namespace hearth::dialect
