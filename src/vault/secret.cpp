#include "vault/secret.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <utility>

#include "base/check.h"
#include "base/random.h"
#include "vault/crypto/openssl.h"

namespace hearth::vault {
namespace {

void wipe(std::string& text) {
  // The capacity, not the size: a text that shrank leaves its tail behind.
  text.resize(text.capacity());
  OPENSSL_cleanse(text.data(), text.size());
  text.clear();
}

}  // namespace

Secret::Secret(std::string text) : text_(text) { wipe(text); }

// Short texts live inside the string object, so a move copies them and must wipe the source.
Secret::Secret(Secret&& other) noexcept : text_(std::move(other.text_)) { wipe(other.text_); }

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this == &other) return *this;
  wipe(text_);
  text_.swap(other.text_);
  return *this;
}

Secret::~Secret() { wipe(text_); }

bool Secret::matches(std::string_view candidate) const {
  if (text_.empty()) return false;
  const std::size_t longer = std::max(text_.size(), candidate.size());
  volatile unsigned difference = text_.size() != candidate.size();
  for (std::size_t i = 0; i < longer; ++i) {
    const unsigned char ours = i < text_.size() ? static_cast<unsigned char>(text_[i]) : 0;
    const unsigned char theirs =
        i < candidate.size() ? static_cast<unsigned char>(candidate[i]) : 0;
    difference = difference | static_cast<unsigned>(ours ^ theirs);
  }
  return difference == 0;
}

std::string sha256_hex(std::string_view bytes) {
  start_openssl();
  std::array<std::uint8_t, 32> digest{};
  std::size_t written = 0;
  const int done =
      EVP_Q_digest(nullptr, "SHA256", nullptr, bytes.data(), bytes.size(), digest.data(), &written);
  HEARTH_CHECK(done == 1 && written == digest.size(), "SHA-256 is built in");
  return to_hex(digest);
}

}  // namespace hearth::vault
