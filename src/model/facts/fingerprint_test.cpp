#include "model/facts/fingerprint.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "base/random.h"
#include "model/facts/facts_file.h"

namespace hearth::model::facts {
namespace {

namespace fs = std::filesystem;

/// "abc": FIPS 180-4, example 1.
constexpr const char* kHashOfAbc =
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

class FingerprintTest : public testing::Test {
 protected:
  FingerprintTest() : folder_(fs::temp_directory_path() / random_id("hearth-facts-")) {
    fs::create_directories(folder_);
  }
  ~FingerprintTest() override { fs::remove_all(folder_); }
  static void write(const std::string& path, const std::string& text) {
    std::ofstream(path, std::ios::binary) << text;
  }
  static std::string read(const std::string& path) {
    std::ifstream in(path);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  const fs::path folder_;
  const std::string model_ = folder_ / "model.gguf";
  const std::string facts_ = folder_ / "cache" / "facts.json";
};

TEST_F(FingerprintTest, IsTheHashOfTheFile) {
  write(model_, "abc");
  EXPECT_EQ(hash_file({}, model_).value(), kHashOfAbc);
  EXPECT_EQ(find_fingerprint({}, model_, ""), kHashOfAbc);
  EXPECT_EQ(hash_file({}, model_ + "x").error().code, Code::NotFound);
  EXPECT_EQ(find_fingerprint({}, model_ + "x", facts_), "");
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(hash_file(stop.get_token(), model_).error().code, Code::Cancelled);
}

TEST_F(FingerprintTest, IsRememberedForTheSameFileOnly) {
  write(model_, "abc");
  ASSERT_EQ(find_fingerprint({}, model_, facts_), kHashOfAbc);
  // A lie in the memory shows whether it was asked.
  std::string text = read(facts_);
  const std::string lie(64, 'a');
  text.replace(text.find(kHashOfAbc), 64, lie);
  write(facts_, text);
  EXPECT_EQ(find_fingerprint({}, model_, facts_), lie);

  write(model_, "abcd");  // another size
  EXPECT_NE(find_fingerprint({}, model_, facts_), lie);
}

TEST_F(FingerprintTest, ADamagedMemoryIsNoMemory) {
  write(model_, "abc");
  fs::create_directories(folder_ / "cache");
  for (const std::string& text :
       {std::string("{"), std::string("[1, {}]"), std::string("{\"a\": 1}"),
        std::string(kFactsFileBytesMax + 1, ' ')}) {
    write(facts_, text);
    EXPECT_EQ(find_fingerprint({}, model_, facts_), kHashOfAbc);
  }
}

TEST_F(FingerprintTest, RemembersABoundedNumberOfFiles) {
  const std::string hash(64, 'b');
  for (std::size_t i = 0; i <= kRememberedMax; ++i)
    ASSERT_TRUE(remember(facts_, {.path = std::to_string(i), .inode = i}, hash).ok());
  EXPECT_EQ(recall(facts_, {.path = "0", .inode = 0}), std::nullopt);
  EXPECT_EQ(recall(facts_, {.path = "1", .inode = 1}), hash);
  EXPECT_EQ(recall(facts_, {.path = "1", .inode = 2}), std::nullopt);
  EXPECT_EQ(recall(facts_, {.path = "1", .changed_ns = 1, .inode = 1}), std::nullopt);
  ASSERT_TRUE(remember(facts_, {.path = "1", .inode = 9}, hash).ok());
  EXPECT_EQ(recall(facts_, {.path = "1", .inode = 1}), std::nullopt);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_ / "cache"), {}), 1);  // no leftovers
}

TEST_F(FingerprintTest, SaysWhyItCannotRemember) {
  write(model_, "abc");
  const auto refused = remember(model_ + "/facts.json", {.path = "x"}, kHashOfAbc);
  EXPECT_EQ(refused.error().code, Code::Unavailable);
  EXPECT_EQ(find_fingerprint({}, model_, model_ + "/facts.json"), kHashOfAbc);
}

}  // namespace
}  // namespace hearth::model::facts
