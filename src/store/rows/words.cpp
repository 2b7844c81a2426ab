#include "store/rows/words.h"

#include "base/utf8.h"

namespace hearth::store {
namespace {

bool is_between_words(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\0';
}

std::string joined(const std::vector<std::string>& phrases, const char* between) {
  std::string all;
  for (const std::string& phrase : phrases) all += (all.empty() ? "" : between) + phrase;
  return all;
}

}  // namespace

std::vector<std::string> phrases_of(std::string_view text) {
  std::vector<std::string> phrases;
  std::string word;
  const auto end_word = [&] {
    if (!word.empty()) phrases.push_back('"' + word + '"');
    word.clear();
  };
  for (const char c : to_utf8(text)) {
    if (is_between_words(c)) {
      end_word();
    } else {
      word += c == '"' ? "\"\"" : std::string(1, c);  // only the quote has a meaning in a phrase
    }
  }
  end_word();
  return phrases;
}

std::string all_of(const std::vector<std::string>& phrases) { return joined(phrases, " "); }
std::string any_of(const std::vector<std::string>& phrases) { return joined(phrases, " OR "); }

}  // namespace hearth::store
