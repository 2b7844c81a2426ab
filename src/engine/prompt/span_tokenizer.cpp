#include "engine/prompt/span_tokenizer.h"

#include <algorithm>
#include <cctype>
#include <set>

namespace hearth::engine {
namespace {

bool all_trusted(const MaskedText& masked, std::size_t begin, std::size_t end) {
  const auto first = masked.trusted.begin();
  return std::all_of(first + static_cast<std::ptrdiff_t>(begin),
                     first + static_cast<std::ptrdiff_t>(end),
                     [](bool trusted) { return trusted; });
}

bool is_space(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }

}  // namespace

MaskedText MaskedText::all(std::string text, bool trusted) {
  const std::size_t bytes = text.size();
  return {std::move(text), std::vector<bool>(bytes, trusted)};
}

std::vector<llama_token> SpanTokenizer::tokenize(const MaskedText& masked) const {
  std::vector<llama_token> result;
  for (const Piece& piece : partition(masked)) {
    if (piece.token != LLAMA_TOKEN_NULL) {
      result.push_back(piece.token);
    } else {
      append_plain(masked, piece, result);
    }
  }
  return result;
}

std::vector<llama_token> SpanTokenizer::special_tokens(const MaskedText& masked) const {
  std::vector<llama_token> result;
  for (const Piece& piece : partition(masked)) {
    if (piece.token != LLAMA_TOKEN_NULL) result.push_back(piece.token);
  }
  return result;
}

std::vector<SpanTokenizer::Piece> SpanTokenizer::partition(const MaskedText& masked) const {
  std::vector<Piece> pieces;
  if (!masked.text.empty()) pieces.push_back({0, masked.text.size()});
  for (const SpecialToken* token : specials_->found_in(masked.text)) {
    std::vector<Piece> next;
    for (const Piece& piece : pieces) {
      if (piece.token != LLAMA_TOKEN_NULL) {
        next.push_back(piece);
      } else {
        const std::vector<Piece> parts = split(masked, piece, *token);
        next.insert(next.end(), parts.begin(), parts.end());
      }
    }
    pieces = std::move(next);
  }
  return pieces;
}

/// One piece of text, cut at every trusted spelling of `token`.
std::vector<SpanTokenizer::Piece> SpanTokenizer::split(const MaskedText& masked, Piece piece,
                                                       const SpecialToken& token) const {
  std::vector<Piece> result;
  const std::string& text = masked.text;
  std::size_t search = piece.begin;
  while (true) {
    const std::size_t at = std::string_view(text).substr(0, piece.end).find(token.text, search);
    if (at == std::string_view::npos) break;
    const std::size_t after = at + token.text.size();
    if (!all_trusted(masked, at, after)) {
      search = at + 1;
      continue;
    }
    std::size_t left_end = at;
    while (token.strips_left && left_end > piece.begin && is_space(text[left_end - 1])) --left_end;
    if (left_end > piece.begin) result.push_back({piece.begin, left_end});
    result.push_back({at, after, token.id});
    piece.begin = after;
    while (token.strips_right && piece.begin < piece.end && is_space(text[piece.begin]))
      ++piece.begin;
    search = piece.begin;
  }
  if (piece.begin < piece.end) result.push_back(piece);
  return result;
}

/// Text without trusted spellings. Untrusted ones are cut after their first character: llama.cpp
/// finds user-defined tokens even with parse_special = false, and SentencePiece may merge pieces to
/// a control token.
void SpanTokenizer::append_plain(const MaskedText& masked, Piece piece,
                                 std::vector<llama_token>& out) const {
  const std::string_view text =
      std::string_view(masked.text).substr(piece.begin, piece.end - piece.begin);
  std::set<std::size_t> cuts;
  if (!all_trusted(masked, piece.begin, piece.end)) {
    for (const SpecialTokens::Occurrence& found : specials_->occurrences(text)) {
      if (all_trusted(masked, piece.begin + found.begin, piece.begin + found.end)) continue;
      cuts.insert(found.begin + first_character_bytes(text.substr(found.begin)));
    }
  }
  cuts.insert(text.size());
  std::size_t begin = 0;
  for (const std::size_t cut : cuts) {
    append_text(text.substr(begin, cut - begin), out);
    begin = cut;
  }
}

/// The last line of defence: whatever a tokenizer makes of text, it is no control token.
void SpanTokenizer::append_text(std::string_view text, std::vector<llama_token>& out) const {
  const auto is_control = [this](llama_token token) {
    return (llama_vocab_get_attr(vocab_, token) & LLAMA_TOKEN_ATTR_CONTROL) != 0;
  };
  std::vector<llama_token> tokens = plain(text);
  if (std::any_of(tokens.begin(), tokens.end(), is_control)) {
    tokens.clear();
    while (!text.empty()) {
      const std::size_t bytes = first_character_bytes(text);
      const std::vector<llama_token> character = plain(text.substr(0, bytes));
      std::copy_if(character.begin(), character.end(), std::back_inserter(tokens),
                   [&](llama_token token) { return !is_control(token); });
      text.remove_prefix(bytes);
    }
  }
  out.insert(out.end(), tokens.begin(), tokens.end());
}

std::vector<llama_token> SpanTokenizer::plain(std::string_view text) const {
  if (text.empty()) return {};
  const auto bytes = static_cast<std::int32_t>(text.size());
  std::vector<llama_token> tokens(text.size() + 8);
  auto room = static_cast<std::int32_t>(tokens.size());
  std::int32_t count =
      llama_tokenize(vocab_, text.data(), bytes, tokens.data(), room, false, false);
  if (count < 0) {
    tokens.resize(static_cast<std::size_t>(-count));
    room = static_cast<std::int32_t>(tokens.size());
    count = llama_tokenize(vocab_, text.data(), bytes, tokens.data(), room, false, false);
  }
  tokens.resize(static_cast<std::size_t>(std::max(count, 0)));
  return tokens;
}

}  // namespace hearth::engine
