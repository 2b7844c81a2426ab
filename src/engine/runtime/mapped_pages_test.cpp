#include "engine/runtime/mapped_pages.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

namespace hearth::engine {
namespace {

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

/// A file of some pages, mapped, and which of its pages are resident in this process.
class MappedPages : public ::testing::Test {
 protected:
  static constexpr std::size_t kPages = 16;

  void SetUp() override {
    file_.reset(std::tmpfile());
    ASSERT_TRUE(file_);
    const std::string text(bytes(), 'x');
    ASSERT_EQ(std::fwrite(text.data(), 1, text.size(), file_.get()), text.size());
    ASSERT_EQ(std::fflush(file_.get()), 0);
  }
  void TearDown() override {
    if (mapping_ != MAP_FAILED) munmap(mapping_, bytes());
  }

  static std::size_t bytes() { return kPages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE)); }

  void map(int rights, int flags) {
    mapping_ = mmap(nullptr, bytes(), rights, flags | MAP_POPULATE, fileno(file_.get()), 0);
    ASSERT_NE(mapping_, MAP_FAILED);
  }

  /// Kilobytes of the mapping that count to this process, from /proc/self/smaps.
  std::size_t resident_kib() const {
    const std::unique_ptr<std::FILE, CloseFile> smaps(std::fopen("/proc/self/smaps", "r"));
    char line[512], begin[32];
    std::snprintf(begin, sizeof(begin), "%lx-", reinterpret_cast<unsigned long>(mapping_));
    bool ours = false;
    std::size_t kib = 0;
    while (smaps && std::fgets(line, sizeof(line), smaps.get())) {
      if (std::string_view(line).starts_with(begin)) ours = true;
      if (ours && std::sscanf(line, "Rss: %zu", &kib) == 1) return kib;
    }
    return 0;
  }

  std::unique_ptr<std::FILE, CloseFile> file_;
  void* mapping_ = MAP_FAILED;
};

TEST_F(MappedPages, LeaveTheProcessAndComeBackWhenRead) {
  map(PROT_READ, MAP_SHARED);
  ASSERT_EQ(resident_kib() * 1024, bytes());
  release_mapped_pages(file_.get());
  EXPECT_EQ(resident_kib(), 0u);
  EXPECT_EQ(static_cast<const char*>(mapping_)[bytes() - 1], 'x');
  EXPECT_GT(resident_kib(), 0u);
}

TEST_F(MappedPages, OfAnotherFileStay) {
  map(PROT_READ, MAP_SHARED);
  const std::unique_ptr<std::FILE, CloseFile> other(std::tmpfile());
  release_mapped_pages(other.get());
  EXPECT_EQ(resident_kib() * 1024, bytes());
}

TEST_F(MappedPages, ThatCanBeWrittenStay) {
  map(PROT_READ | PROT_WRITE, MAP_PRIVATE);
  static_cast<char*>(mapping_)[0] = 'y';
  release_mapped_pages(file_.get());
  EXPECT_EQ(static_cast<const char*>(mapping_)[0], 'y');
}

TEST_F(MappedPages, WithoutAListNothingHappens) {
  map(PROT_READ, MAP_SHARED);
  EXPECT_TRUE(can_release_mapped_pages());
  EXPECT_FALSE(can_release_mapped_pages("/nowhere/maps"));
  release_mapped_pages(file_.get(), "/nowhere/maps");
  EXPECT_EQ(resident_kib() * 1024, bytes());
}

}  // namespace
}  // namespace hearth::engine
