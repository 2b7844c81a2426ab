#include "engine/prompt/special_tokens.h"

#include <algorithm>

namespace hearth::engine {
namespace {

constexpr std::string_view kZeroWidthSpace = "\xe2\x80\x8b";
constexpr std::string_view kReplacement = "\xef\xbf\xbd";
constexpr std::string_view kSpaceMark = "\xe2\x96\x81";  // how SentencePiece writes a space
constexpr int kDefangPassesMax = 8;

bool is_blank(std::string_view text) {
  while (!text.empty()) {
    if (text.starts_with(kSpaceMark)) {
      text.remove_prefix(kSpaceMark.size());
    } else if (std::string_view(" \t\r\n\v\f").find(text[0]) != std::string_view::npos) {
      text.remove_prefix(1);
    } else {
      return false;
    }
  }
  return true;
}

unsigned char byte_of(char c) { return static_cast<unsigned char>(c); }

}  // namespace

std::size_t first_character_bytes(std::string_view text) {
  const unsigned char lead = byte_of(text[0]);
  const std::size_t wanted = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
  return std::min(wanted, text.size());
}

SpecialTokens::SpecialTokens(const llama_vocab* vocab) : by_first_(256) {
  const int wanted =
      LLAMA_TOKEN_ATTR_CONTROL | LLAMA_TOKEN_ATTR_USER_DEFINED | LLAMA_TOKEN_ATTR_UNKNOWN;
  const std::int32_t count = llama_vocab_n_tokens(vocab);
  for (llama_token id = 0; id < count; ++id) {
    const int attributes = llama_vocab_get_attr(vocab, id);
    if ((attributes & wanted) == 0) continue;
    SpecialToken token{.id = id, .text = llama_vocab_get_text(vocab, id)};
    token.strips_left = (attributes & LLAMA_TOKEN_ATTR_LSTRIP) != 0;
    token.strips_right = (attributes & LLAMA_TOKEN_ATTR_RSTRIP) != 0;
    token.blank = (attributes & LLAMA_TOKEN_ATTR_USER_DEFINED) != 0 && is_blank(token.text);
    tokens_.push_back(std::move(token));
  }
  // The same algorithm on the same order as llama_vocab::impl::load(), so that tokens of one length
  // come in the same order there and here. Only then are those without text dropped.
  std::sort(tokens_.begin(), tokens_.end(), [](const SpecialToken& a, const SpecialToken& b) {
    return a.text.size() > b.text.size();
  });
  std::erase_if(tokens_, [](const SpecialToken& token) { return token.text.empty(); });
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    by_first_[byte_of(tokens_[i].text[0])].push_back(i);
    if (!tokens_[i].blank) index(tokens_[i]);
  }
}

void SpecialTokens::index(const SpecialToken& token) {
  for (std::size_t bytes = 1; bytes < token.text.size(); ++bytes) {
    beginnings_.insert(token.text.substr(0, bytes));
    ends_.insert(token.text.substr(token.text.size() - bytes));
  }
  longest_ = std::max(longest_, token.text.size());
  spellings_ += token.text;
  spellings_ += '\0';
}

std::vector<const SpecialToken*> SpecialTokens::found_in(std::string_view text) const {
  std::vector<bool> found(tokens_.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    for (const std::size_t i : by_first_[byte_of(text[at])]) {
      if (!found[i] && text.substr(at).starts_with(tokens_[i].text)) found[i] = true;
    }
  }
  std::vector<const SpecialToken*> result;
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    if (found[i]) result.push_back(&tokens_[i]);
  }
  return result;
}

std::vector<SpecialTokens::Occurrence> SpecialTokens::occurrences(std::string_view text) const {
  std::vector<Occurrence> result;
  for (std::size_t at = 0; at < text.size(); ++at) {
    for (const std::size_t i : by_first_[byte_of(text[at])]) {
      const SpecialToken& token = tokens_[i];
      if (!token.blank && text.substr(at).starts_with(token.text)) {
        result.push_back({at, at + token.text.size()});
      }
    }
  }
  return result;
}

bool SpecialTokens::completes_a_token(std::string_view text) const {
  const std::size_t bytes_max = std::min(text.size(), longest_);
  for (std::size_t bytes = 1; bytes <= bytes_max; ++bytes) {
    if (beginnings_.contains(std::string(text.substr(text.size() - bytes)))) return true;
    if (ends_.contains(std::string(text.substr(0, bytes)))) return true;
  }
  return text.size() < longest_ && spellings_.find(text) != std::string::npos;
}

bool SpecialTokens::hazardous(std::string_view text) const {
  if (text.empty() || is_blank(text)) return false;
  return completes_a_token(text) || !occurrences(text).empty();
}

std::string SpecialTokens::defanged(std::string_view text) const {
  std::string result(text);
  for (int pass = 0; pass < kDefangPassesMax && hazardous(result); ++pass) {
    std::string broken;
    std::size_t copied = 0;
    for (const Occurrence& found : occurrences(result)) {
      const std::size_t bytes = first_character_bytes(std::string_view(result).substr(found.begin));
      if (found.begin < copied) continue;
      broken.append(result, copied, found.begin - copied);
      // A spelling of one character cannot be broken, only replaced.
      const bool single = found.begin + bytes == found.end;
      broken += single ? std::string(kReplacement) : result.substr(found.begin, bytes);
      if (!single) broken += kZeroWidthSpace;
      copied = found.begin + bytes;
    }
    broken.append(result, copied);
    result = std::move(broken);
    if (completes_a_token(result)) {
      result = std::string(kZeroWidthSpace) + result + std::string(kZeroWidthSpace);
    }
  }
  return hazardous(result) ? std::string(kReplacement) : result;
}

}  // namespace hearth::engine
