#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace hearth::chat {

enum class Role : std::uint8_t { System, User, Assistant, Tool };

/// "system", "user", "assistant", "tool".
const char* role_name(Role role);

/// The model asks for a tool to be run.
struct ToolCall {
  std::string id;         // unique within the conversation, e.g. "call_…"
  std::string name;       // [a-zA-Z0-9_-]{1,64}
  std::string arguments;  // JSON text as the model wrote it; an object when it came from a grammar
};

/// A picture that goes with what is said, for models elsewhere that see: no local one is shown it.
/// Either `media_type` and `data`, or `url`.
struct Image {
  std::string media_type{};  // image/png, image/jpeg, image/gif or image/webp
  std::string data{};        // base64 with its padding, RFC 4648 section 4
  std::string url{};         // http:// or https://; its reader fetches it, Hearth does not
  std::uint32_t at = 0;      // it stands before this byte of Message::content

  bool operator==(const Image&) const = default;
};

inline constexpr std::size_t kImagesMax = 100;                      // of one message
inline constexpr std::size_t kImageDataBytesMax = 7 * 1024 * 1024;  // base64 of 5.25 MiB
inline constexpr std::size_t kImageUrlBytesMax = 2'048;

/// Whether an image is one. Errors: InvalidInput; `field` names the image.
Result<void> check_image(const Image& image, const std::string& field);

/// One thing that was said.
struct Message {
  Role role = Role::User;
  std::string content;      // UTF-8; may be empty for an assistant that only calls tools
  std::string reasoning{};  // an assistant's thoughts, where the model's template separates them
  std::vector<ToolCall> tool_calls{};  // assistant only
  std::string tool_call_id{};          // tool only: which call this answers
  std::string name{};                  // optional name of the speaker or tool
  std::vector<Image> images{};         // user and tool only; in the order of their places
  bool is_error = false;               // tool only: it failed, and the content says how
};

/// A tool that the model may call.
struct Tool {
  std::string name;  // [a-zA-Z0-9_-]{1,64}
  std::string description;
  std::string parameters;  // JSON Schema of an object, as JSON text; "{}" for none
  /// What the model is shown in place of `parameters`, which still constrain its calls; empty:
  /// those.
  std::string outline{};
};

/// Exact token counts of one generation.
struct Usage {
  std::uint32_t prompt_tokens = 0;
  std::uint32_t cached_tokens = 0;  // of prompt_tokens: taken from the KV cache, not computed
  std::uint32_t completion_tokens = 0;
  /// Of prompt_tokens: put into a provider's cache by this request, which it charges for. 0 here.
  std::uint32_t cache_written_tokens = 0;
};

}  // namespace hearth::chat
