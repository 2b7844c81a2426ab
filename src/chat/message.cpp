#include "chat/message.h"

#include <algorithm>
#include <array>

#include "base/fields.h"

namespace hearth::chat {
namespace {

constexpr std::array<std::string_view, 4> kMediaTypes = {"image/png", "image/jpeg", "image/gif",
                                                         "image/webp"};

bool is_base64(std::string_view text) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  if (text.empty() || text.size() % 4 != 0) return false;
  for (int padding = 0; padding < 2 && text.back() == '='; ++padding) text.remove_suffix(1);
  return text.find_first_not_of(kDigits) == std::string_view::npos;
}

std::string at_most(std::size_t limit) {
  return "at most " + std::to_string(limit) + " bytes are allowed";
}

Result<void> check_url(const std::string& url, const std::string& field) {
  if (!url.starts_with("https://") && !url.starts_with("http://"))
    return field_error(field, "a URL that begins with https:// or http:// is required");
  if (url.size() > kImageUrlBytesMax) return field_error(field, at_most(kImageUrlBytesMax));
  return ok();
}

}  // namespace

Result<void> check_image(const Image& image, const std::string& field) {
  if (!image.url.empty()) return check_url(image.url, field);
  if (std::ranges::find(kMediaTypes, image.media_type) == kMediaTypes.end())
    return field_error(field, "must be image/png, image/jpeg, image/gif or image/webp");
  if (image.data.size() > kImageDataBytesMax)
    return field_error(field, at_most(kImageDataBytesMax));
  if (!is_base64(image.data)) return field_error(field, "base64 with its padding is required");
  return ok();
}

const char* role_name(Role role) {
  switch (role) {
    case Role::System: return "system";
    case Role::User: return "user";
    case Role::Assistant: return "assistant";
    case Role::Tool: return "tool";
  }
  return "user";
}

}  // namespace hearth::chat
