// Any bytes as a snapshot file. What reads must be written again to the same bytes. Digests would
// stop every mutation, so they and the name are put right for a second try.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "engine/snapshot/container.h"

namespace {

using namespace hearth::engine::snapshot;

void check(const std::string& file) {
  const auto segment = read_segment(file);
  if (!segment.ok()) {
    if (segment.error().message.empty()) std::abort();
    return;
  }
  const auto& header = segment.value().header;
  const Frame frame = frame_of(header, segment.value().state());
  if (frame.before + std::string(segment.value().state()) + frame.after != file) std::abort();
  if (file.size() != file_bytes(header)) std::abort();
  if (read_header(file).value().name != header.name) std::abort();
}

void put(std::string& file, std::size_t place, const Digest& digest) {
  std::memcpy(file.data() + place, digest.data(), digest.size());
}

/// The same file with digests that hold, as far as its sizes allow.
std::string mended(std::string file) {
  const auto size = header_bytes(file);
  if (!size.ok() || size.value() + sizeof(Digest) > file.size()) return file;
  const std::size_t before = size.value() - sizeof(Digest), after = file.size() - sizeof(Digest);
  constexpr std::size_t kNameAt = 32, kParentAt = 48, kStartAt = 64;
  Digest fingerprint, parent;
  std::uint32_t start = 0;
  std::memcpy(&fingerprint, &file[16], sizeof(Digest));
  std::memcpy(&parent, &file[kParentAt], sizeof(Digest));
  std::memcpy(&start, &file[kStartAt], sizeof(start));
  std::vector<hearth::chat::Token> tokens((before - kHeaderStartBytes) / sizeof(std::int32_t));
  std::memcpy(tokens.data(), &file[kHeaderStartBytes], tokens.size() * sizeof(std::int32_t));
  put(file, kNameAt, name_of(fingerprint, parent, start, tokens));
  put(file, before, digest_of(std::string_view(file).substr(0, before)));
  put(file, after, digest_of(std::string_view(file).substr(before, after - before)));
  return file;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string file(reinterpret_cast<const char*>(data), size);
  check(file);
  check(mended(file));
  return 0;
}
