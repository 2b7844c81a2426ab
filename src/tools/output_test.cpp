#include "tools/output.h"

#include <gtest/gtest.h>

#include "base/utf8.h"

namespace hearth::tools {
namespace {

TEST(Bounded, CutsBetweenCharactersAndSaysHowMuch) {
  EXPECT_EQ(bounded(std::string(100, 'x'), 100), std::string(100, 'x'));
  EXPECT_EQ(bounded(std::string(101, 'x'), 100), std::string(36, 'x') + "\n[truncated: 65 bytes]");
  for (std::size_t extra = 0; extra < 5; ++extra) {
    std::string text(extra, 'a');
    while (text.size() < 300) text += "\xe2\x82\xac";
    const std::string cut = bounded(text, 128);
    EXPECT_TRUE(is_utf8(cut));
    EXPECT_LE(cut.size(), 128u);
  }
  EXPECT_EQ(bounded(std::string(kOutputBytesMax, 'x'), kOutputBytesMax).size(), kOutputBytesMax);
  EXPECT_LE(bounded(std::string(kOutputBytesMax + 1, 'x'), kOutputBytesMax).size(),
            kOutputBytesMax);
}

TEST(IsBinary, LooksForZeroBytes) {
  EXPECT_FALSE(is_binary("text\n"));
  EXPECT_FALSE(is_binary("\xff\xfe"));
  EXPECT_TRUE(is_binary(std::string("a\0b", 3)));
  EXPECT_TRUE(is_binary(std::string(8 * 1024 - 1, 'x') + '\0'));
  EXPECT_FALSE(is_binary(std::string(8 * 1024, 'x') + '\0'));
}

TEST(PathText, IsOneLineOfUtf8) {
  EXPECT_EQ(path_text("src/a b.cpp"), "src/a b.cpp");
  EXPECT_EQ(path_text("caf\xc3\xa9"), "caf\xc3\xa9");
  EXPECT_EQ(path_text("a\nb"), "\"a\\nb\"");
  EXPECT_EQ(path_text("\x1b[31m"), "\"\\x1b[31m\"");
  EXPECT_EQ(path_text("\xff"
                      "a"),
            "\"\\xffa\"");
  EXPECT_EQ(path_text("\"a\""), "\"\\\"a\\\"\"");
}

}  // namespace
}  // namespace hearth::tools
