#include "engine/snapshot/digest.h"

#define XXH_INLINE_ALL  // a header alone, compiled with this build's instruction set
#ifdef __AVX512F__
// XXH_AVX2: GCC 12 warns about its own AVX-512 intrinsics. The values are equal.
#define XXH_VECTOR 2
#endif
#include <xxhash.h>

#include <cstring>

#include "base/random.h"

namespace hearth::engine::snapshot {
namespace {

Digest written(XXH128_hash_t hash) {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, hash);
  Digest digest;
  static_assert(sizeof(canonical.digest) == sizeof(digest));
  std::memcpy(digest.data(), canonical.digest, digest.size());
  return digest;
}

}  // namespace

struct Digester::State {
  XXH3_state_t state;
};

Digester::Digester() : state_(new State) { XXH3_128bits_reset(&state_->state); }
Digester::~Digester() = default;

Digester& Digester::add(std::string_view bytes) {
  XXH3_128bits_update(&state_->state, bytes.data(), bytes.size());
  return *this;
}

Digest Digester::finish() const { return written(XXH3_128bits_digest(&state_->state)); }

Digest digest_of(std::string_view bytes) {
  return written(XXH3_128bits(bytes.data(), bytes.size()));
}

std::string to_hex(const Digest& digest) { return hearth::to_hex(digest); }

}  // namespace hearth::engine::snapshot
