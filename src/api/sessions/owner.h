#pragma once
#include <cstdint>
#include <string>

namespace hearth::api {

/// Whose sessions a request may see: those of the token that it shows; without tokens everybody is
/// the same owner.
std::string owner_of(std::uint64_t account);
/// The account again, for fairness between tokens; 0 if it is no owner of these.
std::uint64_t account_of_owner(const std::string& owner);

}  // namespace hearth::api
