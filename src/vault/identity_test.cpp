#include "vault/identity.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <thread>
#include <vector>

#include "base/random.h"

namespace hearth::vault {
namespace {

namespace fs = std::filesystem;

std::string from_hex(std::string_view hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  return bytes;
}

std::array<std::uint8_t, 32> seed_from_hex(std::string_view hex) {
  std::array<std::uint8_t, 32> seed{};
  const std::string bytes = from_hex(hex);
  std::copy(bytes.begin(), bytes.end(), seed.begin());
  return seed;
}

std::string_view text_of(const std::array<std::uint8_t, 64>& signature) {
  return {reinterpret_cast<const char*>(signature.data()), signature.size()};
}

class KeyFile : public testing::Test {
 protected:
  KeyFile() {
    std::string pattern = (fs::temp_directory_path() / "hearth-vault-XXXXXX").string();
    directory_ = ::mkdtemp(pattern.data());
    path_ = directory_ + "/identity.key";
  }
  ~KeyFile() override { fs::remove_all(directory_); }
  void write(const std::string& bytes, mode_t mode) {
    std::ofstream(path_, std::ios::binary) << bytes;
    ::chmod(path_.c_str(), mode);
  }
  std::string directory_, path_;
};

struct Vector {
  const char *seed, *public_key, *message, *signature;
};
// RFC 8032, section 7.1, tests 1 to 3; the message is hex.
constexpr Vector kRfc8032[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b"
     "46b"
     "d25bf5f0595bbe24655141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11"
     "d8c"
     "387b2eaeb4302aeeb00d291612bb0c00"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc"
     "659"
     "4a7c15e9716ed28dc027beceea1ec40a"},
};

TEST(Identity, SignsAsRfc8032Says) {
  for (const Vector& vector : kRfc8032) {
    SCOPED_TRACE(vector.seed);
    const Identity identity = Identity::from_seed(seed_from_hex(vector.seed));
    const auto signature = identity.sign(from_hex(vector.message));
    EXPECT_EQ(identity.device_id(), vector.public_key);
    EXPECT_EQ(to_hex(signature), vector.signature);
    EXPECT_TRUE(verify_signature(from_hex(vector.public_key), from_hex(vector.message),
                                 text_of(signature)));
  }
}

TEST(Identity, SignsAnAgentMessageAsOthersDo) {
  const Identity identity = Identity::from_seed(seed_from_hex(kRfc8032[0].seed));
  const char* canonical =
      R"({"id":"test-id-123","sender":"primary","recipient":"specialist","message_type":"request",)"
      R"("task":"summarize","content":"some context","timestamp":"2026-01-01T00:00:00+00:00"})";
  EXPECT_EQ(to_hex(identity.sign(canonical)),
            "c28a2308a99808757e8acaedc89aa2309d856222a827364a272f78d81ddb7e2381b868baa6c74a3f7bcc61"
            "335a843a"
            "845f44ac64d9ce1be8d4b4ab0e6d97f104");
}

TEST(Identity, RefusesWhatWasNotSigned) {
  const Vector& vector = kRfc8032[1];
  const std::string key = from_hex(vector.public_key), signature = from_hex(vector.signature);
  std::string bent = signature;
  bent[10] = static_cast<char>(bent[10] ^ 1);
  EXPECT_FALSE(verify_signature(key, "s", signature));
  EXPECT_FALSE(verify_signature(key, "r", bent));
  EXPECT_FALSE(verify_signature(from_hex(kRfc8032[0].public_key), "r", signature));
  EXPECT_FALSE(verify_signature(key.substr(1), "r", signature));
  EXPECT_FALSE(verify_signature(key, "r", signature.substr(1)));
  EXPECT_FALSE(verify_signature("", "", ""));
  EXPECT_TRUE(verify_signature(key, "r", signature));
}

TEST_F(KeyFile, IsCreatedOnceWithMode0600) {
  const auto first = Identity::open_or_create(path_);
  ASSERT_TRUE(first.ok()) << first.error().message;
  struct stat status {};
  ASSERT_EQ(::stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  EXPECT_EQ(status.st_size, 32);
  EXPECT_EQ(status.st_nlink, 1u);

  const auto second = Identity::open_or_create(path_);
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(first.value().device_id(), second.value().device_id());
  EXPECT_EQ(std::distance(fs::directory_iterator(directory_), {}), 1)
      << "temporary files stay behind";
}

TEST_F(KeyFile, HoldsTheRawSeed) {
  write(from_hex(kRfc8032[0].seed), 0600);
  const auto identity = Identity::open_or_create(path_);
  ASSERT_TRUE(identity.ok());
  EXPECT_EQ(identity.value().device_id(), kRfc8032[0].public_key);
}

TEST_F(KeyFile, MissingParentIsCreatedForTheOwnerOnly) {
  path_ = directory_ + "/a/b/identity.key";
  ASSERT_TRUE(Identity::open_or_create(path_).ok());
  EXPECT_EQ(fs::status(directory_ + "/a/b").permissions(), fs::perms::owner_all);
}

TEST_F(KeyFile, ThatOthersMayReadIsRefusedWithTheRemedy) {
  for (const mode_t mode : {0640, 0604, 0620, 0610, 0601}) {
    SCOPED_TRACE(mode);
    write(std::string(32, 'k'), mode);
    const auto identity = Identity::open_or_create(path_);
    ASSERT_FALSE(identity.ok());
    EXPECT_EQ(identity.error().code, Code::Denied);
    EXPECT_NE(identity.error().message.find("chmod 600 " + path_), std::string::npos);
  }
}

TEST_F(KeyFile, OfAnotherLengthIsCorrupt) {
  for (const std::size_t size : {0, 1, 31, 33, 64}) {
    SCOPED_TRACE(size);
    write(std::string(size, 'k'), 0600);
    const auto identity = Identity::open_or_create(path_);
    ASSERT_FALSE(identity.ok());
    EXPECT_EQ(identity.error().code, Code::Corrupt);
  }
}

TEST_F(KeyFile, ThatIsNoFileIsCorruptAndDoesNotBlock) {
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  EXPECT_EQ(Identity::open_or_create(path_).error().code, Code::Corrupt);
  fs::remove(path_);
  fs::create_directory(path_);
  EXPECT_EQ(Identity::open_or_create(path_).error().code, Code::Corrupt);
}

TEST_F(KeyFile, WhereNoDirectoryCanBeIsUnavailable) {
  write("a file, not a directory", 0600);
  EXPECT_EQ(Identity::open_or_create(path_ + "/below").error().code, Code::Unavailable);
}

TEST_F(KeyFile, ThreadsCreatingAtOnceAgreeOnOneKey) {
  std::vector<std::string> ids(16);
  {
    std::vector<std::jthread> threads;
    for (std::string& id : ids)
      threads.emplace_back(
          [this, &id] { id = Identity::open_or_create(path_).value().device_id(); });
  }
  EXPECT_EQ(std::set<std::string>(ids.begin(), ids.end()).size(), 1u);
}

TEST_F(KeyFile, ProcessesCreatingAtOnceAgreeOnOneKey) {
  constexpr int kProcesses = 8;
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  for (int i = 0; i < kProcesses; ++i) {
    if (::fork() != 0) continue;
    const auto identity = Identity::open_or_create(path_);
    const std::string id = identity.ok() ? identity.value().device_id() : std::string(64, 'x');
    ::_exit(::write(ends[1], id.data(), id.size()) == 64 ? 0 : 1);
  }
  ::close(ends[1]);
  std::set<std::string> ids;
  std::string id(64, ' ');
  int answers = 0;
  for (; ::read(ends[0], id.data(), id.size()) == 64; ++answers) ids.insert(id);
  ::close(ends[0]);
  while (::wait(nullptr) > 0) continue;
  EXPECT_EQ(answers, kProcesses);
  EXPECT_EQ(ids.size(), 1u);
  EXPECT_EQ(*ids.begin(), Identity::open_or_create(path_).value().device_id());
}

}  // namespace
}  // namespace hearth::vault
