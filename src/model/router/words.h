#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace hearth::model::router {

/// A text as its words: lower case (ASCII, Latin, Greek and Cyrillic letters), everything that is
/// neither letter nor digit between them left out; an apostrophe inside a word goes, so that
/// "don't" is "dont". Scripts that put no space between words give a word for each character. Texts
/// that are not UTF-8 give what of them is.
class Words {
 public:
  explicit Words(std::string_view text);

  std::size_t size() const { return words_.size(); }
  const std::vector<std::string>& all() const { return words_; }
  /// True if these words stand there one after the other, as whole words: "plan" is not in
  /// "planet". `phrase` is written as it would be in a text.
  bool contain(std::string_view phrase) const { return contain(Words(phrase)); }
  bool contain(const Words& phrase) const;

 private:
  bool may_have(const std::string& word) const;

  std::vector<std::string> words_{};
  std::vector<std::size_t> hashes_{};  // of them, sorted: most phrases have a word that is not here
};

}  // namespace hearth::model::router
