#include "vault/secret.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
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

TEST(SecretFile, HoldsOneLineForItsOwnerAlone) {
  std::string folder = std::filesystem::temp_directory_path() / "hearth-secret-XXXXXX";
  ASSERT_TRUE(mkdtemp(folder.data()));
  const std::string path = folder + "/key";
  struct Case {
    std::string text;
    int mode;
    std::optional<Code> error;
  };
  const Case kCases[] = {{"sk-1\n", 0600, {}},
                         {"sk-1", 0400, {}},
                         {"sk-1 \r\n\n", 0600, {}},
                         {std::string(kSecretFileBytesMax, 'k'), 0600, {}},
                         {std::string(kSecretFileBytesMax + 1, 'k'), 0600, Code::TooLarge},
                         {"sk-1\nsk-2\n", 0600, Code::Corrupt},
                         {"\n", 0600, Code::Corrupt},
                         {"", 0600, Code::Corrupt},
                         {"sk-1\n", 0640, Code::Denied},
                         {"sk-1\n", 0604, Code::Denied}};
  for (const Case& c : kCases) {
    std::filesystem::remove(path);
    std::ofstream(path) << c.text;
    ASSERT_EQ(::chmod(path.c_str(), static_cast<mode_t>(c.mode)), 0);
    const auto got = read_secret_file(path);
    ASSERT_EQ(got.ok(), !c.error) << c.text.substr(0, 20);
    if (c.error) {
      EXPECT_EQ(got.error().code, *c.error);
      EXPECT_EQ(got.error().message.find("sk-"), std::string::npos);
    } else {
      EXPECT_EQ(got.value().reveal().find_first_of(" \r\n"), std::string::npos);
    }
  }
  EXPECT_EQ(read_secret_file(folder).error().code, Code::Corrupt);
  EXPECT_EQ(read_secret_file(folder + "/none").error().code, Code::NotFound);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace hearth::vault
