#include "api/sessions/owner.h"

#include <charconv>
#include <string_view>

namespace hearth::api {
namespace {

constexpr std::string_view kPrefix = "token-";

}

std::string owner_of(std::uint64_t account) {
  return account == 0 ? "local" : std::string(kPrefix) + std::to_string(account);
}

std::uint64_t account_of_owner(const std::string& owner) {
  if (!owner.starts_with(kPrefix)) return 0;
  std::uint64_t account = 0;
  std::from_chars(owner.data() + kPrefix.size(), owner.data() + owner.size(), account);
  return account;
}

}  // namespace hearth::api
