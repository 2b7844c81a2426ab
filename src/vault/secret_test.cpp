#include "vault/secret.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <ostream>
#include <type_traits>

namespace hearth::vault {
namespace {

template <class T>
concept Streams = requires(std::ostream& out, const T& value) {
  out << value;
};
template <class T>
concept Compares = requires(const T& a, const T& b) {
  a == b;
};

static_assert(!std::is_copy_constructible_v<Secret> && !std::is_copy_assignable_v<Secret>);
static_assert(!std::is_convertible_v<Secret, std::string> &&
              !std::is_convertible_v<std::string, Secret>);
static_assert(!Streams<Secret> && !Compares<Secret> && !fmt::is_formattable<Secret>::value);

TEST(Secret, MatchesOnlyTheSameText) {
  struct Case {
    std::string secret, candidate;
    bool want;
  };
  const Case kCases[] = {
      {"token", "token", true},
      {"token", "tokeN", false},
      {"token", "Token", false},
      {"token", "toke", false},
      {"token", "token ", false},
      {"token", "", false},
      {"token", std::string("token\0", 6), false},
      {std::string("a\0b", 3), std::string("a\0c", 3), false},
      {std::string("a\0b", 3), std::string("a\0b", 3), true},
      {std::string(4096, 'x'), std::string(4096, 'x'), true},
      {std::string(4096, 'x'), std::string(4095, 'x') + "y", false},
      {"", "", false},
      {"", "x", false},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.secret.substr(0, 16) + "|" + c.candidate.substr(0, 16));
    EXPECT_EQ(Secret(c.secret).matches(c.candidate), c.want);
  }
}

TEST(Secret, MovesAndLeavesNothingBehind) {
  for (const std::string text : {"short", "one that is too long to live inside a string object"}) {
    Secret first(text);
    Secret second(std::move(first));
    EXPECT_TRUE(second.matches(text));
    EXPECT_TRUE(first.empty());  // NOLINT(bugprone-use-after-move): that is the test
    first = std::move(second);
    EXPECT_TRUE(first.matches(text));
    EXPECT_TRUE(second.empty());  // NOLINT(bugprone-use-after-move)
    EXPECT_FALSE(second.matches(text));
  }
}

TEST(Sha256, KnownValues) {
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_hex(std::string(1'000'000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

}  // namespace
}  // namespace hearth::vault
