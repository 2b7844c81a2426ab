#include "model/pull/offer.h"

#include <algorithm>
#include <charconv>

#include "model/pull/names.h"

namespace hearth::model {
namespace {

/// Takes the number at the front of `text`, and `end` behind it.
std::optional<std::uint64_t> take_number(std::string_view& text, std::string_view end) {
  std::uint64_t number = 0;
  const auto [rest, status] = std::from_chars(text.data(), text.data() + text.size(), number);
  text.remove_prefix(static_cast<std::size_t>(rest - text.data()));
  if (status != std::errc{} || !text.starts_with(end)) return std::nullopt;
  text.remove_prefix(end.size());
  return number;
}

std::string without_quotes(std::string_view etag) {
  if (etag.starts_with("W/")) etag.remove_prefix(2);
  if (etag.size() >= 2 && etag.front() == '"' && etag.back() == '"')
    etag = etag.substr(1, etag.size() - 2);
  return std::string(etag);
}

/// What the hub says of a file before it sends elsewhere for it.
void learn_identity(const net::Response& head, Offer& offer) {
  if (!offer.identity.empty()) return;
  const std::string linked = without_quotes(header_value(head, "X-Linked-Etag"));
  if (is_sha256(linked)) offer.sha256 = linked;
  offer.identity = linked;
}

Result<void> learn_size(const net::Url& url, const net::Response& head, Offer& offer) {
  offer.has_ranges = head.status == 206;
  const auto range = parse_content_range(header_value(head, "Content-Range"));
  std::string length = header_value(head, "Content-Length");
  if (range) {
    offer.size_bytes = range->total;
  } else if (std::string_view text = length; head.status == 200) {
    offer.size_bytes = take_number(text, "").value_or(0);
  }
  if (offer.size_bytes == 0)
    return Error{Code::Unavailable, url.origin() + " does not say how large the file is"};
  if (offer.size_bytes > kPullBytesMax)
    return Error{Code::TooLarge, url.origin() + " offers a file of " +
                                     std::to_string(offer.size_bytes) + " bytes; at most " +
                                     std::to_string(kPullBytesMax) + " are allowed"};
  const std::string etag = header_value(head, "ETag");
  if (etag.starts_with('"')) offer.validator = etag;
  if (offer.identity.empty()) offer.identity = offer.validator;
  return ok();
}

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

Result<net::Response> ask_head(const Call& call, net::Client& client, const PullSource& source,
                               const net::Url& url, const net::Timeouts& timeouts) {
  net::ClientRequest request = net::request_to(url);
  show_token(source, url, request);
  request.headers.emplace_back("Range", "bytes=0-0");
  request.timeouts = timeouts;
  const auto nothing = [](std::string_view) { return false; };
  const auto only_head = [](const net::Response& head) { return head.status / 100 != 2; };
  return client.fetch_stream(call, request, nothing, only_head);
}

}  // namespace

void show_token(const PullSource& source, const net::Url& url, net::ClientRequest& request) {
  if (source.token.empty() || url.origin() != source.token_origin) return;
  request.headers.emplace_back("Authorization", "Bearer " + source.token);
}

Result<Offer> ask_offer(const Call& call, net::Client& client, const PullSource& source,
                        const net::Url& url, const net::Timeouts& timeouts) {
  Offer offer;
  net::Url at = url;
  for (int hop = 0; hop <= kRedirectsMax; ++hop) {
    TRY(const auto head, ask_head(call, client, source, at, timeouts));
    learn_identity(head, offer);
    if (head.status == 200 || head.status == 206) {
      TRY_VOID(learn_size(at, head, offer));
      return offer;
    }
    if (!is_redirect(head.status)) return answer_error(at, head.status);
    TRY(auto next, net::resolve_reference(at, header_value(head, "Location")));
    if (at.scheme == net::Scheme::Https && next.scheme == net::Scheme::Http)
      return Error{Code::Denied, at.origin() + " redirects from https to http"};
    at = std::move(next);
  }
  return Error{Code::Unavailable,
               url.origin() + " redirects more than " + std::to_string(kRedirectsMax) + " times"};
}

Error answer_error(const net::Url& url, int status) {
  const std::string who = url.origin();
  const std::string number = " (" + std::to_string(status) + ")";
  switch (status) {
    case 401:
      return {Code::Denied, who + " wants a login for this file" + number +
                                "; put your token into HF_TOKEN in the environment"};
    case 403:
      return {Code::Denied, who + " refuses this file" + number +
                                "; its licence may have to be accepted there first"};
    case 404: return {Code::NotFound, who + " has no such file" + number};
    case 416: return {Code::Corrupt, who + " has another file there now" + number};
    case 429: return {Code::Busy, who + " has been asked too often" + number + "; try later"};
    default: break;
  }
  return {Code::Unavailable,
          who + (status / 100 == 5 ? " is in trouble" : " answers strangely") + number};
}

std::string header_value(const net::Response& response, std::string_view name) {
  const std::string* const value = response.header(name);
  return value ? *value : "";
}

std::optional<ContentRange> parse_content_range(std::string_view text) {
  if (!text.starts_with("bytes ")) return std::nullopt;
  text.remove_prefix(6);
  const auto first = take_number(text, "-");
  const auto last = first ? take_number(text, "/") : std::nullopt;
  const auto total = last ? take_number(text, "") : std::nullopt;
  if (!total || !text.empty() || *first > *last || *last >= *total) return std::nullopt;
  return ContentRange{*first, *last, *total};
}

}  // namespace hearth::model
