#include "dialect/message_parts.h"

#include "base/fields.h"

namespace hearth::dialect {

Result<chat::Image> image_of_url(const std::string& url, const std::string& field) {
  constexpr std::string_view kScheme = "data:", kCoding = ";base64,";
  if (!url.starts_with(kScheme)) return chat::Image{.url = url};
  const auto coding = url.find(kCoding);
  if (coding == std::string::npos)
    return field_error(field, "a data URL must be data:image/…;base64,…");
  return chat::Image{.media_type = url.substr(kScheme.size(), coding - kScheme.size()),
                     .data = url.substr(coding + kCoding.size())};
}

void MessageParts::add_text(std::string_view text) {
  if (after_text_) text_ += between_;
  text_ += text;
  has_text_ = after_text_ = true;
}

Result<void> MessageParts::add_image(chat::Image image, const std::string& field) {
  TRY_VOID(chat::check_image(image, field));
  if (images_.size() == chat::kImagesMax)
    return field_error(field, "at most " + std::to_string(chat::kImagesMax) +
                                  " images of one message are allowed");
  image.at = static_cast<std::uint32_t>(text_.size());
  images_.push_back(std::move(image));
  after_text_ = false;
  return ok();
}

void MessageParts::move_into(chat::Message& message) {
  message.content = std::move(text_);
  message.images = std::move(images_);
  *this = MessageParts(between_);
}

}  // namespace hearth::dialect
