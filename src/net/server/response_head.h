#pragma once
#include <cstdint>
#include <string>

#include "net/http.h"

namespace hearth::net {

/// How the end of an answer's body is told to the client.
struct Framing {
  enum class Body {
    Sized,       // Content-Length
    Chunked,     // pieces of known size, an empty one at the end
    UntilClose,  // HTTP/1.0: the connection closes
  };
  Body body = Body::Sized;
  std::uint64_t size_bytes = 0;  // Sized only
  bool keep_alive = true;
};

/// The status line and headers of an answer, up to and with the empty line. Framing headers
/// (Content-Length, Transfer-Encoding, Connection) in `headers` are left out: they are ours. Line
/// breaks inside a value become spaces, so a value can never add a header.
std::string response_head(int status, const Headers& headers, std::string_view default_type,
                          const Framing& framing);

/// True if the handler wants the connection to end after its answer ("Connection: close").
bool asks_to_close(const Headers& headers);

/// True for answers that have no body, whatever the handler gave. Source: RFC 9110, section 6.4.1.
bool has_no_body(int status);

/// One chunk of a chunked body; empty for an empty piece, which would end the body.
std::string chunk(std::string_view piece);
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

}  // namespace hearth::net
