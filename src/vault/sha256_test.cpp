#include "vault/sha256.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "vault/secret.h"

namespace hearth::vault {
namespace {

TEST(Sha256, IsTheHashOfAllPieces) {
  Sha256 nothing;
  EXPECT_EQ(nothing.hex(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  Sha256 pieces;
  pieces.add("a");
  pieces.add("");
  pieces.add("bc");  // "abc": FIPS 180-4, example 1
  EXPECT_EQ(pieces.hex(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  Sha256 long_text;
  const std::string text(1'000'000, 'x');
  for (std::size_t at = 0; at < text.size(); at += 777) long_text.add(text.substr(at, 777));
  EXPECT_EQ(long_text.hex(), sha256_hex(text));
}

TEST(Sha256, PartsDoNotRunIntoOneAnother) {
  const auto of = [](const std::vector<std::string>& parts) {
    Sha256 sum;
    for (const std::string& part : parts) sum.add_part(part);
    return sum.hex();
  };
  EXPECT_EQ(of({"ab", ""}), sha256_hex("2:ab0:"));
  EXPECT_NE(of({"a", "b"}), of({"ab", ""}));
  EXPECT_NE(of({"ab"}), of({"ab", ""}));
}

}  // namespace
}  // namespace hearth::vault
