#include "engine/prompt/json_spacing.h"

#include <algorithm>
#include <cctype>
#include <vector>

namespace hearth::engine {
namespace {

constexpr std::string_view kSpace = "space";

/// A piece of a grammar's text: a literal, a character class, a word, a single sign, or a run of
/// white space.
using Pieces = std::vector<std::string_view>;

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-'; }
bool is_blank(char c) { return c == ' ' || c == '\t'; }

std::size_t end_of_quoted(std::string_view text, std::size_t begin, char closing) {
  for (std::size_t at = begin + 1; at < text.size(); ++at) {
    if (text[at] == '\\') {
      ++at;
    } else if (text[at] == closing) {
      return at + 1;
    }
  }
  return text.size();
}

std::size_t end_of_piece(std::string_view text, std::size_t begin) {
  if (text[begin] == '"') return end_of_quoted(text, begin, '"');
  if (text[begin] == '[') return end_of_quoted(text, begin, ']');
  const auto run = [&](bool (*belongs)(char)) {
    return static_cast<std::size_t>(
        std::find_if_not(text.begin() + static_cast<std::ptrdiff_t>(begin), text.end(), belongs) -
        text.begin());
  };
  if (is_word(text[begin])) return run(is_word);
  if (is_blank(text[begin])) return run(is_blank);
  return begin + 1;
}

Pieces split(std::string_view text) {
  Pieces pieces;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = end_of_piece(text, at);
    pieces.push_back(text.substr(at, end - at));
    at = end;
  }
  return pieces;
}

/// The nearest piece that is no white space; empty at the text's ends.
std::string_view neighbour(const Pieces& pieces, std::size_t from, int step) {
  for (auto at = static_cast<std::ptrdiff_t>(from) + step;
       at >= 0 && at < static_cast<std::ptrdiff_t>(pieces.size()); at += step) {
    const std::string_view piece = pieces[static_cast<std::size_t>(at)];
    if (!is_blank(piece.front())) return piece;
  }
  return {};
}

bool is_one_of(std::string_view piece, std::initializer_list<std::string_view> literals) {
  return std::find(literals.begin(), literals.end(), piece) != literals.end();
}

}  // namespace

std::string with_fixed_spacing(std::string_view gbnf) {
  const Pieces pieces = split(gbnf);
  std::string result;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const std::string_view before = neighbour(pieces, i, -1), behind = neighbour(pieces, i, 1);
    const bool defines = behind == ":";  // the first sign of "::="
    if (pieces[i] != kSpace || defines) {
      result += pieces[i];
    } else if (is_one_of(before, {"\":\"", "\",\""})) {
      result += "\" \"";
    } else if (is_one_of(before, {"\"{\"", "\"[\""}) ||
               is_one_of(behind, {"\"}\"", "\"]\"", "\":\"", "\",\""})) {
      result += "\"\"";
    } else {
      result += pieces[i];
    }
  }
  return result;
}

}  // namespace hearth::engine
