#pragma once
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <numeric>
#include <string>
#include <vector>

#include "base/random.h"
#include "engine/snapshot/container.h"

/// For the tests of this folder.
namespace hearth::engine::snapshot::testing {

/// An empty folder that goes with it.
class Folder {
 public:
  Folder() { std::filesystem::create_directories(path_); }
  ~Folder() { std::filesystem::remove_all(path_); }
  const std::string& path() const { return path_; }
  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& item : std::filesystem::directory_iterator(path_))
      names.push_back(item.path().filename());
    std::sort(names.begin(), names.end());
    return names;
  }
  std::string read(const std::string& file) const {
    std::ifstream in(path_ + "/" + file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void write(const std::string& file, const std::string& bytes) const {
    std::ofstream(path_ + "/" + file, std::ios::binary) << bytes;
  }

 private:
  const std::string path_ = ::testing::TempDir() + random_id("kv-");
};

inline std::vector<chat::Token> counting(std::uint32_t count, chat::Token first = 1) {
  std::vector<chat::Token> tokens(count);
  std::iota(tokens.begin(), tokens.end(), first);
  return tokens;
}

inline Header header_for(const Digest& fingerprint, const Header* parent,
                         std::vector<chat::Token> tokens) {
  Header header{.fingerprint = fingerprint,
                .parent = parent ? parent->name : kNoDigest,
                .start = parent ? parent->end() : 0,
                .tokens = std::move(tokens)};
  header.name = name_of(fingerprint, header.parent, header.start, header.tokens);
  return header;
}

inline Segment segment_for(Header header, std::string state) {
  header.state_bytes = state.size();
  return {.header = std::move(header), .bytes = std::move(state)};
}

inline std::string file_of(const Segment& segment) {
  const Frame frame = frame_of(segment.header, segment.state());
  return frame.before + std::string(segment.state()) + frame.after;
}

}  // namespace hearth::engine::snapshot::testing
