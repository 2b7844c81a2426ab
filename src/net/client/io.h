#pragma once
#include <cstdint>
#include <string>

namespace hearth::net {

/// What one attempt to read or write without waiting came to.
struct Io {
  enum class Kind : std::uint8_t {
    Done,        // `count` bytes; 0 when there was nothing to move, as in a handshake
    WantsRead,   // try again when it can be read
    WantsWrite,  // or written
    Ended,       // the other side has closed, in order
    Cut,         // it has gone without a word
    Failed,      // `problem` says why
  };
  Kind kind = Kind::Done;
  std::size_t count = 0;
  std::string problem{};

  bool waits() const { return kind == Kind::WantsRead || kind == Kind::WantsWrite; }
  bool is_over() const { return kind >= Kind::Ended; }
};

}  // namespace hearth::net
