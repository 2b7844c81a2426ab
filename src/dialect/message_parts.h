#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "chat/message.h"

/// Messages whose content comes in parts, texts and images.
namespace hearth::dialect {

/// "data:image/png;base64,…" or a URL. `field` names it. Not checked yet.
Result<chat::Image> image_of_url(const std::string& url, const std::string& field);

/// Puts one message together from parts that come one after the other.
class MessageParts {
 public:
  /// `between`: what stands between two texts that follow each other; nothing stands between a text
  /// and an image.
  explicit MessageParts(std::string_view between) : between_(between) {}
  void add_text(std::string_view text);
  Result<void> add_image(chat::Image image, const std::string& field);
  bool empty() const { return !has_text_ && images_.empty(); }
  /// Moves what was put together into a message.
  void move_into(chat::Message& message);

 private:
  std::string_view between_;
  std::string text_{};
  std::vector<chat::Image> images_{};
  bool has_text_ = false, after_text_ = false;
};

}  // namespace hearth::dialect
