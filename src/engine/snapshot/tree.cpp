#include "engine/snapshot/tree.h"

#include <algorithm>

namespace hearth::engine::snapshot {

std::uint64_t Chain::state_bytes() const {
  std::uint64_t bytes = 0;
  for (const Link& link : links) bytes += link.state_bytes;
  return bytes;
}

bool Tree::add(const Header& header) {
  if (has(header.name)) return true;
  Node node{.link = {header.name, header.start, header.end(), header.state_bytes},
            .parent = header.parent,
            .tokens = header.tokens};
  if (header.start > 0) {
    const auto parent = nodes_.find(header.parent);
    if (parent == nodes_.end() || parent->second.link.end != header.start) return false;
    node.depth = parent->second.depth + 1;
    if (node.depth > kChainMax) return false;
  }
  children_.emplace(header.parent, header.name);
  nodes_.emplace(header.name, std::move(node));
  return true;
}

std::size_t Tree::remove(const Digest& name) {
  std::vector<Digest> left{name};
  std::size_t removed = 0;
  while (!left.empty()) {
    const Digest next = left.back();
    left.pop_back();
    const auto node = nodes_.find(next);
    if (node == nodes_.end()) continue;
    const auto [first, last] = children_.equal_range(next);
    for (auto child = first; child != last; ++child) left.push_back(child->second);
    const auto [own, end] = children_.equal_range(node->second.parent);
    children_.erase(std::find_if(own, end, [&](const auto& pair) { return pair.second == next; }));
    nodes_.erase(node);
    ++removed;
  }
  return removed;
}

std::vector<Digest> Tree::names() const {
  std::vector<Digest> names;
  for (const auto& [name, node] : nodes_) names.push_back(name);
  return names;
}

Chain Tree::longest(std::span<const chat::Token> tokens, Last last) const {
  // Several children may match to their ends, one shorter than the other: all ways are looked at.
  const Node* best = nullptr;
  std::uint32_t common_max = 0;
  std::vector<Digest> left{kNoDigest};
  while (!left.empty()) {
    const auto [first, end] = children_.equal_range(left.back());
    left.pop_back();
    for (auto child = first; child != end; ++child) {
      const Node& node = nodes_.at(child->second);
      const auto rest = tokens.subspan(std::min<std::size_t>(node.link.start, tokens.size()));
      const auto ends =
          std::mismatch(node.tokens.begin(), node.tokens.end(), rest.begin(), rest.end());
      const bool whole = ends.first == node.tokens.end();
      const auto common =
          node.link.start + static_cast<std::uint32_t>(ends.first - node.tokens.begin());
      if (whole) left.push_back(node.link.name);
      const bool counts = whole || (last == Last::Part && common > node.link.start);
      if (!counts || common <= common_max) continue;
      best = &node;
      common_max = common;
    }
  }
  Chain chain = best ? way_to(best->link.name) : Chain{};
  chain.tokens = common_max;
  return chain;
}

Chain Tree::way_to(const Digest& name) const {
  Chain chain;
  for (auto node = nodes_.find(name); node != nodes_.end();
       node = nodes_.find(node->second.parent)) {
    chain.links.push_back(node->second.link);
  }
  std::reverse(chain.links.begin(), chain.links.end());
  if (!chain.links.empty()) chain.tokens = chain.links.back().end;
  return chain;
}

}  // namespace hearth::engine::snapshot
