#include "vault/crypto/openssl.h"

#include <openssl/crypto.h>

#include "base/check.h"

namespace hearth::vault {

void start_openssl() {
  static const bool started = OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr) == 1;
  HEARTH_CHECK(started, "OpenSSL did not start");
}

}  // namespace hearth::vault
