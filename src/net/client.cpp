#include "net/client.h"

#include <algorithm>
#include <array>

#include "net/client/response_reader.h"
#include "net/client/socket.h"

namespace hearth::net {
namespace {

constexpr std::size_t kBodyBytesMax = 64 * 1024 * 1024;
constexpr std::size_t kReadBytes = 64 * 1024;

using OnPiece = std::function<bool(std::string_view)>;

bool has_line_break(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos;
}

/// "[::1]:80" for an IPv6 literal.
std::string authority(const ClientRequest& request) {
  const bool bare_v6 =
      request.host.find(':') != std::string::npos && !request.host.starts_with('[');
  return (bare_v6 ? "[" + request.host + "]" : request.host) + ":" + std::to_string(request.port);
}

Result<std::string> serialize(const ClientRequest& request) {
  std::string text = request.method + " " + request.target + " HTTP/1.1\r\n";
  if (request.method.empty() || request.target.empty() ||
      has_line_break(std::string_view(text).substr(0, text.size() - 2)) ||
      std::count(text.begin(), text.end(), ' ') != 2) {
    return Error{Code::InvalidInput, "method and target must be single words", "target"};
  }
  Headers headers = {{"Host", authority(request)}, {"Connection", "close"}};
  if (!request.body.empty() || request.method == "POST" || request.method == "PUT") {
    headers.emplace_back("Content-Length", std::to_string(request.body.size()));
  }
  headers.insert(headers.end(), request.headers.begin(), request.headers.end());
  for (const auto& [name, value] : headers) {
    if (name.empty() || has_line_break(name) || has_line_break(value)) {
      return Error{Code::InvalidInput, "header '" + name + "' holds a line break", name};
    }
    text.append(name).append(": ").append(value).append("\r\n");
  }
  return text.append("\r\n").append(request.body);
}

/// Sends the request and reads its answer at the same time: a server may refuse a body before it
/// has taken all of it.
class Conversation {
 public:
  Conversation(const ClientSocket& socket, std::string request, ResponseReader::Options options)
      : socket_(socket), request_(std::move(request)), reader_(options) {}

  Result<Response> run(const Call& call, const OnPiece& on_piece) {
    while (!reader_.done()) {
      TRY(const auto ready, socket_.wait(call, sent_ < request_.size()));
      if (ready.writable) write();
      if (ready.readable) TRY_VOID(read());
      TRY(const bool wanted, hand_over(on_piece));
      if (!wanted) break;
    }
    return reader_.take();
  }

 private:
  void write() {
    const auto count = socket_.write_some(std::string_view(request_).substr(sent_));
    // Nobody takes the rest; the answer, or its absence, will say why.
    sent_ = count ? sent_ + *count : request_.size();
  }

  Result<void> read() {
    std::array<char, kReadBytes> buffer;
    TRY(const auto count, socket_.read_some(buffer));
    if (!count) return ok();
    if (*count == 0) return reader_.feed_end();
    return reader_.feed(std::string_view(buffer.data(), *count));
  }

  /// False when the caller has had enough.
  Result<bool> hand_over(const OnPiece& on_piece) {
    if (!on_piece || !reader_.has_head()) return true;
    if (reader_.status() / 100 == 2) {
      const auto piece = reader_.take_body();
      return piece.empty() || on_piece(piece);
    }
    if (reader_.body_bytes() <= kBodyBytesMax) return true;
    return Error{Code::TooLarge, "the error answer is too large"};
  }

  const ClientSocket& socket_;
  const std::string request_;
  ResponseReader reader_;
  std::size_t sent_ = 0;
};

Result<Response> converse(const Call& call, const ClientRequest& request, const OnPiece& on_piece) {
  TRY(auto text, serialize(request));
  TRY(const auto socket, ClientSocket::connect(call, request.host, request.port));
  ResponseReader::Options options{.to_head = request.method == "HEAD"};
  // A stream is handed on as it comes, so only what we keep is bounded.
  if (!on_piece) options.body_bytes_max = kBodyBytesMax;
  Conversation conversation(socket, std::move(text), options);
  auto response = conversation.run(call, on_piece);
  if (response.ok() || response.error().code == Code::Cancelled) return response;
  auto error = std::move(response).error();
  error.message = authority(request) + ": " + error.message;
  return error;
}

}  // namespace

Result<Response> fetch(const Call& call, const ClientRequest& request) {
  return converse(call, request, nullptr);
}

Result<Response> fetch_stream(const Call& call, const ClientRequest& request,
                              const std::function<bool(std::string_view)>& on_piece) {
  return converse(call, request, on_piece);
}

}  // namespace hearth::net
