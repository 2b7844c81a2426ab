#include "engine/snapshot/container.h"

#include <bit>
#include <cstring>

namespace hearth::engine::snapshot {
namespace {

static_assert(std::endian::native == std::endian::little, "numbers are written as they lie");

constexpr std::string_view kMagic = "HEARTHKV";
constexpr std::size_t kTokenBytes = sizeof(chat::Token);
constexpr std::size_t kDigestBytes = sizeof(Digest);

Error corrupt(const char* what) { return {Code::Corrupt, std::string("snapshot: ") + what}; }

template <class Number>
Number number_at(std::string_view bytes, std::size_t offset) {
  Number number;
  std::memcpy(&number, bytes.data() + offset, sizeof(number));
  return number;
}

Digest digest_at(std::string_view bytes, std::size_t offset) {
  return number_at<Digest>(bytes, offset);
}

template <class Number>
std::string_view bytes_of(const Number& number) {
  return {reinterpret_cast<const char*>(&number), sizeof(number)};
}

std::string_view bytes_of(const std::vector<chat::Token>& tokens) {
  return {reinterpret_cast<const char*>(tokens.data()), tokens.size() * kTokenBytes};
}

std::size_t header_size(std::size_t tokens) {
  return kHeaderStartBytes + tokens * kTokenBytes + kDigestBytes;
}

Result<void> check_relations(const Header& header) {
  if ((header.start == 0) != (header.parent == kNoDigest))
    return corrupt("only a segment that starts at 0 has no parent");
  for (const chat::Token token : header.tokens) {
    if (token < 0) return corrupt("a token is negative");
  }
  const Digest name = name_of(header.fingerprint, header.parent, header.start, header.tokens);
  if (name != header.name) return corrupt("the name is not that of the tokens");
  return ok();
}

}  // namespace

Digest name_of(const Digest& fingerprint, const Digest& parent, std::uint32_t start,
               const std::vector<chat::Token>& tokens) {
  return Digester()
      .add(bytes_of(fingerprint))
      .add(bytes_of(parent))
      .add(bytes_of(start))
      .add(bytes_of(tokens))
      .finish();
}

Frame frame_of(const Header& header, std::string_view state) {
  Frame frame;
  const auto size = static_cast<std::uint32_t>(header_size(header.tokens.size()));
  frame.before.reserve(size);
  frame.before.append(kMagic).append(bytes_of(kContainerVersion)).append(bytes_of(size));
  frame.before.append(bytes_of(header.fingerprint)).append(bytes_of(header.name));
  frame.before.append(bytes_of(header.parent)).append(bytes_of(header.start));
  frame.before.append(bytes_of(header.end())).append(bytes_of(header.state_bytes));
  frame.before.append(bytes_of(header.tokens));
  const Digest of_header = digest_of(frame.before);
  frame.before.append(bytes_of(of_header));
  frame.after = bytes_of(Digester().add(bytes_of(of_header)).add(state).finish());
  return frame;
}

std::uint64_t file_bytes(const Header& header) {
  return header_size(header.tokens.size()) + header.state_bytes + kDigestBytes;
}

Result<std::size_t> header_bytes(std::string_view start) {
  if (start.size() < kHeaderStartBytes) return corrupt("shorter than a header");
  if (!start.starts_with(kMagic)) return corrupt("not a snapshot");
  if (number_at<std::uint32_t>(start, 8) != kContainerVersion) return corrupt("another version");
  const auto size = number_at<std::uint32_t>(start, 12);
  const auto from = number_at<std::uint32_t>(start, 64), to = number_at<std::uint32_t>(start, 68);
  if (from >= to || to > kPositionMax) return corrupt("the positions are beyond the bounds");
  if (from > 0 && to - from > kSegmentTokensMax) return corrupt("too many tokens");
  if (size != header_size(to - from)) return corrupt("the header's size is not that of its tokens");
  const auto state = number_at<std::uint64_t>(start, 72);
  if (state == 0 || state > kStateBytesMax) return corrupt("the state's size is beyond the bounds");
  return std::size_t{size};
}

Result<Header> read_header(std::string_view bytes) {
  TRY(const std::size_t size, header_bytes(bytes));
  if (bytes.size() < size) return corrupt("the header is cut short");
  const std::size_t digest_place = size - kDigestBytes;
  if (digest_of(bytes.substr(0, digest_place)) != digest_at(bytes, digest_place))
    return corrupt("the header is damaged");
  Header header{.fingerprint = digest_at(bytes, 16),
                .name = digest_at(bytes, 32),
                .parent = digest_at(bytes, 48),
                .start = number_at<std::uint32_t>(bytes, 64)};
  header.state_bytes = number_at<std::uint64_t>(bytes, 72);
  header.tokens.resize(number_at<std::uint32_t>(bytes, 68) - header.start);
  std::memcpy(header.tokens.data(), bytes.data() + kHeaderStartBytes,
              header.tokens.size() * kTokenBytes);
  TRY_VOID(check_relations(header));
  return header;
}

Result<Segment> read_segment(std::string bytes) {
  const std::string_view file = bytes;
  Segment segment;
  TRY(segment.header, read_header(file));
  const std::size_t before = header_size(segment.header.tokens.size());
  if (file.size() - before != segment.header.state_bytes + kDigestBytes)
    return corrupt("the file's size is not what the header says");
  const std::string_view state = file.substr(before, segment.header.state_bytes);
  const std::string_view of_header = file.substr(before - kDigestBytes, kDigestBytes);
  if (Digester().add(of_header).add(state).finish() != digest_at(file, before + state.size()))
    return corrupt("the state is damaged");
  segment.state_at = before;
  segment.bytes = std::move(bytes);
  return segment;
}

}  // namespace hearth::engine::snapshot
