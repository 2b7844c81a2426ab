#pragma once
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>

#include "base/time_source.h"
#include "tools/memory_book.h"

namespace hearth::tools {

inline Call soon() { return Call::within(Millis(60'000)); }

/// A folder of its own below /tmp, gone with the test.
class Folder {
 public:
  Folder() {
    std::string name = std::filesystem::temp_directory_path() / "hearth-tools-XXXXXX";
    path_ = std::filesystem::canonical(::mkdtemp(name.data()));
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::string path(const std::string& name = "") const {
    return name.empty() ? path_ : path_ / name;
  }
  std::string put(const std::string& name, const std::string& bytes) const {
    std::filesystem::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name, std::ios::binary) << bytes;
    return path_ / name;
  }
  std::string read(const std::string& name) const {
    std::ifstream file(path_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  bool has(const std::string& name) const { return std::filesystem::exists(path_ / name); }
  void link(const std::string& to, const std::string& name) const {
    std::filesystem::create_symlink(to, path_ / name);
  }

 private:
  std::filesystem::path path_;
};

class SetTime final : public TimeSource {
 public:
  Clock::time_point now() const override { return Clock::time_point(wall_.time_since_epoch()); }
  std::chrono::system_clock::time_point wall() const override { return wall_; }
  void advance(Millis by) { wall_ += by; }

 private:
  std::chrono::system_clock::time_point wall_{std::chrono::seconds(1'700'000'000)};
};

/// Memories that last as long as the test.
class ShortMemory final : public MemoryBook {
 public:
  Result<Memory> remember(const Call&, const std::string& owner, const std::string& text) override {
    const Memory made{"mem_" + std::to_string(++count_), text, 0};
    kept_.emplace(owner, made);
    return made;
  }
  Result<std::vector<Memory>> recall(const Call&, const std::string& owner,
                                     const std::string& words, std::size_t count) override {
    std::vector<Memory> found;
    for (const auto& [whose, one] : kept_)
      if (whose == owner && found.size() < count && one.text.find(words) != std::string::npos)
        found.push_back(one);
    return found;
  }
  Result<void> forget(const Call&, const std::string& owner, const std::string& id) override {
    for (auto one = kept_.begin(); one != kept_.end(); ++one) {
      if (one->first != owner || one->second.id != id) continue;
      kept_.erase(one);
      return ok();
    }
    return Error{Code::NotFound, "there is no memory \"" + id + "\""};
  }

 private:
  std::multimap<std::string, Memory> kept_;
  int count_ = 0;
};

}  // namespace hearth::tools
