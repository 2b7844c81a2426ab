#include "context/tail.h"

#include <cctype>
#include <ctime>
#include <set>

#include "base/utf8.h"
#include "context/window.h"

namespace hearth::context {
namespace {

constexpr std::size_t kWordBytesMin = 3;
constexpr std::size_t kWordsMax = 16;
const std::set<std::string, std::less<>> kEverywhere = {
    "about", "and",  "are",    "all",  "any",   "can",    "could", "did",  "does", "for",
    "from",  "get",  "had",    "has",  "have",  "her",    "here",  "him",  "his",  "how",
    "into",  "its",  "just",   "let",  "like",  "make",   "may",   "much", "not",  "now",
    "our",   "out",  "please", "say",  "she",   "should", "some",  "such", "tell", "than",
    "that",  "the",  "their",  "them", "then",  "there",  "these", "they", "this", "those",
    "was",   "were", "what",   "when", "where", "which",  "who",   "why",  "will", "with",
    "would", "you",  "your",   "know", "want",  "need",   "also",  "been", "but",  "one"};

std::string written(std::chrono::system_clock::time_point now, const char* format) {
  const std::time_t time = std::chrono::system_clock::to_time_t(now);
  std::tm local{};
  localtime_r(&time, &local);
  char text[64];
  return {text, std::strftime(text, sizeof(text), format, &local)};
}

/// On one line, without brackets, and cut where it is long.
std::string plain(std::string text) {
  const bool cut = text.size() > kMemoryBytesMax;
  if (cut) text.resize(utf8_complete_bytes(std::string_view(text).substr(0, kMemoryBytesMax)));
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
    if (c == '[') c = '(';
    if (c == ']') c = ')';
  }
  return cut ? text + "…" : text;
}

}  // namespace

std::string tail_of(const Moment& moment) {
  std::string text;
  const auto add = [&text](const std::string& line) { text += (text.empty() ? "" : "\n") + line; };
  if (moment.shows_date)
    add(written(moment.now,
                moment.has_clock ? "[today: %A %Y-%m-%d]" : "[today: %A %Y-%m-%d %H:%M]"));
  for (const std::string& memory : moment.memories) add("[remembered: " + plain(memory) + "]");
  for (const std::string& note : moment.notes) add("[note: " + plain(note) + "]");
  return text;
}

Result<std::string> tail_within(Moment moment,
                                const std::function<Result<std::size_t>(std::string)>& count) {
  for (;;) {
    std::string text = tail_of(moment);
    if (text.size() <= Window::kTailTokensMax || moment.memories.empty()) return text;
    TRY(const std::size_t tokens, count(text));
    if (tokens <= Window::kTailTokensMax) return text;
    moment.memories.pop_back();
  }
}

std::string recall_words(const std::string& message) {
  std::string words, word;
  std::size_t taken = 0;
  for (const char c : message + " ") {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) || byte >= 0x80) {
      word += static_cast<char>(std::tolower(byte));
      continue;
    }
    const bool tells = word.size() >= kWordBytesMin && !kEverywhere.contains(word);
    if (tells && taken++ < kWordsMax) words += (words.empty() ? "" : " ") + word;
    word.clear();
  }
  return words;
}

}  // namespace hearth::context
