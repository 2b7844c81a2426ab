#pragma once
#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "engine/snapshot/container.h"

namespace hearth::engine::snapshot {

/// One segment on a way from the root.
struct Link {
  Digest name{};
  std::uint32_t start = 0, end = 0;  // tokens before it and behind it
  std::uint64_t state_bytes = 0;
};

/// Segments that follow each other from token 0 on.
struct Chain {
  std::vector<Link> links;
  std::uint32_t tokens = 0;  // common with what was looked for; less than the last link's end if
                             // only its beginning matches
  std::uint64_t state_bytes() const;
};

/// Which segments there are, by their tokens: a prefix tree whose nodes are segments. Conversations
/// that begin alike share their first ones. Values only; one thread at a time.
class Tree {
 public:
  static constexpr std::size_t kChainMax = 128;  // segments on one way

  /// Adds a segment under its parent. False if that is not here, does not end where the segment
  /// starts, or is kChainMax deep; true if the segment is here (already).
  bool add(const Header& header);
  /// Removes a segment and all that follow it. Gives how many that were.
  std::size_t remove(const Digest& name);
  bool has(const Digest& name) const { return nodes_.contains(name); }
  std::size_t size() const { return nodes_.size(); }
  /// The chain that ends with a segment; empty if that is not here.
  Chain way_to(const Digest& name) const;
  /// Names of all segments.
  std::vector<Digest> names() const;

  enum class Last : std::uint8_t {
    Whole,  // every segment of the chain matches to its end
    Part,   // of the last one a beginning is enough
  };
  /// The chain that has the most tokens in common with the beginning of `tokens`.
  Chain longest(std::span<const chat::Token> tokens, Last last) const;

 private:
  struct Node {
    Link link;
    Digest parent{};
    std::vector<chat::Token> tokens{};
    std::size_t depth = 1;
  };
  std::map<Digest, Node> nodes_;
  std::multimap<Digest, Digest> children_;  // of the root under kNoDigest
};

}  // namespace hearth::engine::snapshot
