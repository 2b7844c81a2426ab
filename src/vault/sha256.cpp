#include "vault/sha256.h"

#include <array>
#include <cstdint>

#include "base/check.h"
#include "base/random.h"
#include "vault/crypto/openssl.h"

namespace hearth::vault {

struct Sha256::State {
  DigestContext context{EVP_MD_CTX_new()};
};

Sha256::Sha256() {
  start_openssl();
  state_ = std::make_unique<State>();
  const bool ready =
      state_->context && EVP_DigestInit_ex(state_->context.get(), EVP_sha256(), nullptr) == 1;
  HEARTH_CHECK(ready, "SHA-256 is built in");
}

Sha256::~Sha256() = default;

void Sha256::add(std::string_view bytes) {
  EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size());
}

void Sha256::add_part(std::string_view part) {
  add(std::to_string(part.size()) + ":");
  add(part);
}

std::string Sha256::hex() {
  std::array<std::uint8_t, 32> digest{};
  const int done = EVP_DigestFinal_ex(state_->context.get(), digest.data(), nullptr);
  HEARTH_CHECK(done == 1, "nothing was added after the end");
  return to_hex(digest);
}

}  // namespace hearth::vault
