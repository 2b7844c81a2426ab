#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/call.h"
#include "base/result.h"
#include "model/pull.h"
#include "net/client.h"
#include "net/url.h"

namespace hearth::model {

inline constexpr int kRedirectsMax = 8;

/// What a place says of a file before it is downloaded.
struct Offer {
  std::uint64_t size_bytes = 0;
  std::string identity{};   // the same for the same content, as far as is known; "": unknown
  std::string validator{};  // a strong ETag that If-Range takes; "": none
  std::string sha256{};     // as the hub says (X-Linked-Etag); "": it does not
  bool has_ranges = false;
};

/// Asks for the first byte of a file, along redirects: the hub itself says what the content is, and
/// sends to another host for it. Errors: answer_error()'s and net::Client::fetch's; Unavailable (no
/// size), TooLarge (above kPullBytesMax), Denied (a redirect from https to http).
Result<Offer> ask_offer(const Call& call, net::Client& client, const PullSource& source,
                        const net::Url& url, const net::Timeouts& timeouts);

/// Puts the source's token on a request to a place that it is for.
void show_token(const PullSource& source, const net::Url& url, net::ClientRequest& request);

/// Why an answer is none that one can use, in words; names the origin only.
Error answer_error(const net::Url& url, int status);

/// The first header of this name; "": none.
std::string header_value(const net::Response& response, std::string_view name);

/// "bytes 5-9/20"; nullopt for anything else.
struct ContentRange {
  std::uint64_t first, last, total;
};
std::optional<ContentRange> parse_content_range(std::string_view text);

}  // namespace hearth::model
