#include "engine/grammar/vocabulary_index.h"

#include <algorithm>
#include <optional>

namespace hearth::engine {
namespace {

/// Whole characters only. As lenient as llama.cpp, whose masks ours must equal: what follows a
/// first byte is not looked at. Source: decode_utf8, src/llama-grammar.cpp, v0.5.0.
std::optional<std::vector<std::uint32_t>> decode(std::string_view text) {
  constexpr int kBytes[] = {1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 2, 2, 3, 4};
  std::vector<std::uint32_t> points;
  for (std::size_t at = 0; at < text.size();) {
    const auto first = static_cast<std::uint8_t>(text[at]);
    const auto bytes = static_cast<std::size_t>(kBytes[first >> 4]);
    if (bytes == 0 || first == 0 || at + bytes > text.size()) return std::nullopt;
    std::uint32_t point = first & ((1u << (8 - bytes)) - 1);
    for (std::size_t i = 1; i < bytes; ++i) {
      const auto next = static_cast<std::uint8_t>(text[at + i]);
      if (next == 0) return std::nullopt;
      point = (point << 6) + (next & 0x3Fu);
    }
    points.push_back(point);
    at += bytes;
  }
  return points;
}

}  // namespace

std::string grammar_text(const llama_vocab* vocab, llama_token token) {
  std::string text(64, '\0');
  std::int32_t bytes = llama_token_to_piece(vocab, token, text.data(), 64, 0, true);
  if (bytes < 0) {
    text.resize(static_cast<std::size_t>(-bytes));
    bytes = llama_token_to_piece(vocab, token, text.data(), -bytes, 0, true);
  }
  text.resize(static_cast<std::size_t>(std::max(bytes, 0)));
  return text;
}

VocabularyIndex::VocabularyIndex(const llama_vocab* vocab)
    : vocab_(vocab), size_(static_cast<std::uint32_t>(llama_vocab_n_tokens(vocab))) {
  for (llama_token token = 0; token < static_cast<llama_token>(size_); ++token) {
    if (llama_vocab_is_eog(vocab, token)) {
      ends_.push_back(token);
    } else {
      add(token, grammar_text(vocab, token));
    }
  }
  sort();
}

void VocabularyIndex::add(llama_token token, std::string_view text) {
  if (text.empty() || text[0] == '\0') return;
  const auto points = decode(text);
  if (!points) {
    odd_.push_back(token);
    return;
  }
  entries_.push_back({.token = token,
                      .begin = static_cast<std::uint32_t>(code_points_.size()),
                      .length = static_cast<std::uint32_t>(points->size())});
  code_points_.insert(code_points_.end(), points->begin(), points->end());
}

void VocabularyIndex::sort() {
  const auto points = [this](const Entry& entry) {
    return std::span(code_points_).subspan(entry.begin, entry.length);
  };
  std::sort(entries_.begin(), entries_.end(), [&](const Entry& a, const Entry& b) {
    const auto left = points(a), right = points(b);
    return std::lexicographical_compare(left.begin(), left.end(), right.begin(), right.end());
  });
  for (std::size_t i = 1; i < entries_.size(); ++i) {
    const auto before = points(entries_[i - 1]), here = points(entries_[i]);
    const auto ends = std::mismatch(before.begin(), before.end(), here.begin(), here.end());
    entries_[i].shared = static_cast<std::uint32_t>(ends.first - before.begin());
  }
}

}  // namespace hearth::engine
