#include "api/run/lost_header.h"

#include <gtest/gtest.h>

namespace hearth::api {
namespace {

std::string header_of(const dialect::Lost& lost) {
  net::Headers headers;
  add_lost(headers, lost);
  return headers.empty() ? "none" : headers.front().first + "=" + headers.front().second;
}

TEST(LostHeader, SaysWhatWasLost) {
  dialect::Lost lost;
  EXPECT_EQ(header_of(lost), "none");
  lost.add("metadata", "is not used");
  lost.add("top", "neither");
  EXPECT_EQ(header_of(lost), "x-hearth-lost=metadata: is not used; top: neither");
}

TEST(LostHeader, NoClientWritesIntoIt) {
  dialect::Lost lost;
  lost.add("a\r\nSet-Cookie: b", "ü");
  EXPECT_EQ(header_of(lost), "x-hearth-lost=a??Set-Cookie: b: ??");
}

TEST(LostHeader, IsCutAtItsBound) {
  const auto value_of = [](std::size_t last_bytes) {
    dialect::Lost lost;
    for (int i = 0; i < 4; ++i) lost.add(std::to_string(i), std::string(200, 'x'));
    lost.add("4", std::string(last_bytes, 'y'));
    net::Headers headers;
    add_lost(headers, lost);
    return headers.front().second;
  };
  const std::size_t before = value_of(0).size();
  EXPECT_EQ(value_of(kLostHeaderBytesMax - before).size(), kLostHeaderBytesMax);
  EXPECT_TRUE(value_of(kLostHeaderBytesMax - before).ends_with("yyy"));
  EXPECT_EQ(value_of(kLostHeaderBytesMax - before + 1).size(), kLostHeaderBytesMax);
  EXPECT_TRUE(value_of(kLostHeaderBytesMax - before + 1).ends_with("y..."));
}

}  // namespace
}  // namespace hearth::api
