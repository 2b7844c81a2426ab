#include "vault/identity.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <span>

#include "base/check.h"
#include "base/random.h"
#include "vault/crypto/openssl.h"
#include "vault/key_file/key_file.h"

namespace hearth::vault {
namespace {

constexpr std::size_t kPublicKeyBytes = 32;
constexpr std::size_t kSignatureBytes = 64;

const std::uint8_t* bytes_of(std::string_view text) {
  return reinterpret_cast<const std::uint8_t*>(text.data());
}

Key private_key(const std::array<std::uint8_t, 32>& seed) {
  start_openssl();
  Key key(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, seed.data(), seed.size()));
  HEARTH_CHECK(key != nullptr, "every 32 bytes are an Ed25519 seed");
  return key;
}

std::string public_key_hex(const Key& key) {
  std::array<std::uint8_t, kPublicKeyBytes> bytes{};
  std::size_t size = bytes.size();
  const int done = EVP_PKEY_get_raw_public_key(key.get(), bytes.data(), &size);
  HEARTH_CHECK(done == 1 && size == bytes.size(), "an Ed25519 public key has 32 bytes");
  return to_hex(bytes);
}

}  // namespace

Result<Identity> Identity::open_or_create(const std::string& path) {
  TRY(Seed seed, read_or_create_seed(path));
  Identity identity(seed);
  OPENSSL_cleanse(seed.data(), seed.size());
  return identity;
}

Identity Identity::from_seed(const std::array<std::uint8_t, 32>& seed) { return Identity(seed); }

Identity::Identity(const std::array<std::uint8_t, 32>& seed)
    : seed_(seed), device_id_(public_key_hex(private_key(seed))) {}

Identity::Identity(Identity&& other) noexcept
    : seed_(other.seed_), device_id_(std::move(other.device_id_)) {
  OPENSSL_cleanse(other.seed_.data(), other.seed_.size());
}

Identity::~Identity() { OPENSSL_cleanse(seed_.data(), seed_.size()); }

std::array<std::uint8_t, 64> Identity::sign(std::string_view message) const {
  const Key key = private_key(seed_);
  const DigestContext context(EVP_MD_CTX_new());
  std::array<std::uint8_t, kSignatureBytes> signature{};
  std::size_t size = signature.size();
  const bool done =
      context && EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1 &&
      EVP_DigestSign(context.get(), signature.data(), &size, bytes_of(message), message.size()) ==
          1;
  HEARTH_CHECK(done && size == signature.size(), "an Ed25519 signature has 64 bytes");
  return signature;
}

bool verify_signature(std::string_view public_key, std::string_view message,
                      std::string_view signature) {
  if (public_key.size() != kPublicKeyBytes || signature.size() != kSignatureBytes) return false;
  start_openssl();
  const Key key(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes_of(public_key),
                                            public_key.size()));
  const DigestContext context(EVP_MD_CTX_new());
  return key && context &&
         EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1 &&
         EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(), bytes_of(message),
                          message.size()) == 1;
}

}  // namespace hearth::vault
