#include "net/server/response_head.h"

#include <algorithm>
#include <array>
#include <boost/beast/http/status.hpp>
#include <charconv>

#include "net/server/words.h"

namespace hearth::net {
namespace {

bool is_ours(std::string_view name) {
  return same_word(name, "Content-Length") || same_word(name, "Transfer-Encoding") ||
         same_word(name, "Connection");
}

void add_header(std::string& head, std::string_view name, std::string_view value) {
  const auto start = head.size();
  head.append(name).append(": ").append(value);
  for (std::size_t i = start; i < head.size(); ++i) {
    if (head[i] == '\r' || head[i] == '\n' || head[i] == '\0') head[i] = ' ';
  }
  head += "\r\n";
}

void add_framing(std::string& head, int status, const Framing& framing) {
  switch (framing.body) {
    case Framing::Body::Sized:
      if (!has_no_body(status))
        add_header(head, "Content-Length", std::to_string(framing.size_bytes));
      break;
    case Framing::Body::Chunked: add_header(head, "Transfer-Encoding", "chunked"); break;
    case Framing::Body::UntilClose: break;
  }
  add_header(head, "Connection", framing.keep_alive ? "keep-alive" : "close");
}

}  // namespace

std::string response_head(int status, const Headers& headers, std::string_view default_type,
                          const Framing& framing) {
  const auto reason = boost::beast::http::obsolete_reason(
      boost::beast::http::int_to_status(static_cast<unsigned>(status)));
  std::string head = "HTTP/1.1 " + std::to_string(status) + " ";
  head.append(reason.data(), reason.size()).append("\r\n");

  bool has_type = has_no_body(status);
  for (const auto& [name, value] : headers) {
    if (is_ours(name)) continue;
    has_type = has_type || same_word(name, "Content-Type");
    add_header(head, name, value);
  }
  if (!has_type) add_header(head, "Content-Type", default_type);
  add_framing(head, status, framing);
  head += "\r\n";
  return head;
}

bool asks_to_close(const Headers& headers) {
  return std::any_of(headers.begin(), headers.end(), [](const auto& header) {
    return same_word(header.first, "Connection") && same_word(header.second, "close");
  });
}

bool has_no_body(int status) { return status / 100 == 1 || status == 204 || status == 304; }

std::string chunk(std::string_view piece) {
  if (piece.empty()) return {};
  std::array<char, 16> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), piece.size(), 16);
  std::string framed(digits.data(), end.ptr);
  framed.reserve(framed.size() + piece.size() + 4);
  framed.append("\r\n").append(piece).append("\r\n");
  return framed;
}

}  // namespace hearth::net
