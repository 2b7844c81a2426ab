#pragma once
#include <openssl/evp.h>

#include <memory>

namespace hearth::vault {

struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using Key = std::unique_ptr<EVP_PKEY, FreeKey>;

struct FreeDigestContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using DigestContext = std::unique_ptr<EVP_MD_CTX, FreeDigestContext>;

/// Starts OpenSSL without its configuration file: nothing outside this binary may choose our
/// providers, and an empty chroot has no such file. Call before any other use of it; any thread,
/// any number of times.
void start_openssl();

}  // namespace hearth::vault
