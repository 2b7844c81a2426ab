#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "chat/generation.h"
#include "engine/snapshot/digest.h"

/// The file format of one segment: the KV state of the tokens [start, end) of a sequence.
///
///   offset  bytes  what (numbers are little-endian)
///        0      8  "HEARTHKV"
///        8      4  version, 1
///       12      4  bytes of the header, its digest included
///       16     16  fingerprint: what must be equal for the state to mean the same
///       32     16  name: digest of fingerprint, parent, start and tokens
///       48     16  name of the segment that ends where this one starts; zeros at start 0
///       64      4  start
///       68      4  end
///       72      8  bytes of the state
///       80    4 n  the tokens [start, end)
///               16  digest of everything so far
///              ...  state, llama.cpp's own bytes
///               16  digest of the header's digest and the state
///
/// A name stands for all tokens from 0 on, because the parent's name is inside it. Pure functions;
/// any thread.
namespace hearth::engine::snapshot {

inline constexpr std::uint32_t kContainerVersion = 1;
inline constexpr std::uint32_t kSegmentTokensMax = 1'024;
inline constexpr std::uint32_t kPositionMax = 1u << 24;  // far above any context of today
inline constexpr std::uint64_t kStateBytesMax = 1ull << 30;

/// What the header says.
struct Header {
  Digest fingerprint{};
  Digest name{};
  Digest parent{};
  std::uint32_t start = 0;
  std::vector<chat::Token> tokens{};  // 1..kSegmentTokensMax; from 0 on: to kPositionMax
  std::uint64_t state_bytes = 0;

  std::uint32_t end() const { return start + static_cast<std::uint32_t>(tokens.size()); }
};

/// A segment in memory. One that was read keeps its file's bytes, so that nothing is copied.
struct Segment {
  Header header;
  std::string bytes;         // the state, or a file that has it inside
  std::size_t state_at = 0;  // where in `bytes` it begins
  std::string_view state() const {
    return std::string_view(bytes).substr(state_at, header.state_bytes);
  }
};

/// The name of a segment.
Digest name_of(const Digest& fingerprint, const Digest& parent, std::uint32_t start,
               const std::vector<chat::Token>& tokens);

/// The bytes before the state, and those behind it. `header.state_bytes` must be the state's size.
struct Frame {
  std::string before, after;
};
Frame frame_of(const Header& header, std::string_view state);

/// Bytes of the whole file.
std::uint64_t file_bytes(const Header& header);

/// Bytes of a header whose first kHeaderStartBytes are `start`. Errors: Corrupt (no segment file,
/// another version, or numbers beyond the bounds).
inline constexpr std::size_t kHeaderStartBytes = 80;
Result<std::size_t> header_bytes(std::string_view start);
/// The header at the front of `bytes`. Errors: Corrupt (says what is wrong).
Result<Header> read_header(std::string_view bytes);
/// A whole file, every byte of it verified. Errors: Corrupt.
Result<Segment> read_segment(std::string file);

}  // namespace hearth::engine::snapshot
