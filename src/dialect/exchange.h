#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/fields.h"
#include "chat/generation.h"
#include "dialect/lost.h"

/// What one program asks another and what it gets, in no dialect. All of this room is pure: no
/// files, no sockets, no clock, no random numbers; any thread, and nothing is shared.
namespace hearth::dialect {

/// One answer that is asked for.
///
/// What only speeds a local model up (Conversation::seen, Request::cache, cache_prompt, lookup,
/// forced_tokens, trace, day, account, Tool::outline) is no part of any dialect and is left out
/// without a word; all else that a dialect has no word for is named in `lost`.
struct Ask {
  std::string model{};
  chat::Request request{};  // its prompt is a Conversation
  bool stream = false;
  /// A provider is asked to cache what stands before the end of this many messages, 0 for the
  /// tools alone: the borders of zones that change rarely.
  std::vector<std::uint32_t> cache_behind{};
};

inline constexpr std::size_t kCacheMarksMax = 4;  // of one request; Anthropic's limit

/// One answer that is whole.
struct Answer {
  std::string id{};
  std::string model{};
  chat::Message message{chat::Role::Assistant, {}};
  chat::Finished finished{};
};

/// A translation, and what it could not carry.
template <class T>
struct Carried {
  T what{};
  Lost lost{};
};

/// What Finished::notes holds where a provider's filter, or its model, declined to answer.
inline constexpr std::string_view kDeclinedNote = "the provider declined to answer";
/// Whether that is said there.
bool is_declined(const chat::Finished& finished);

/// How an error of a provider reads here: its code says what to do next. `status` is HTTP's, 0
/// inside a stream. A text of the provider is quoted, shortened, but not where it refused a key,
/// which some quote themselves. InvalidInput 4xx, Denied 401, 402 and 403, NotFound 404, Timeout
/// 408 and 504, TooLarge 413, Busy 409 and 429, Unavailable for all else.
Error provider_error(int status, std::string_view said);

inline constexpr std::size_t kSaidBytesMax = 500;  // of a provider's text that an error quotes

/// Of what a provider says in one answer; more is Unavailable.
inline constexpr std::size_t kBlocksMax = 1'024;

}  // namespace hearth::dialect
