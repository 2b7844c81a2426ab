#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/call.h"
#include "base/check.h"
#include "base/time_source.h"
#include "store/sessions.h"
#include "store/store.h"
#include "store/transcript.h"

/// A year of use, the same for the same numbers: what programs of this folder fill stores with.
namespace hearth::bench {

inline constexpr unsigned kYearMessages = 100'000;
inline constexpr unsigned kYearSessions = 500;
inline constexpr unsigned kAtOnce = 100;  // messages of one transaction

inline Call soon() { return Call::within(Millis(60'000)); }

/// Sentences of common words and rare ones, the same for the same number.
inline std::string sentence(unsigned number) {
  static constexpr const char* kCommon[] = {"the",  "house", "of",  "a",    "friend", "and",
                                            "what", "is",    "on",  "my",   "list",   "for",
                                            "file", "today", "can", "write"};
  std::string text;
  unsigned state = number * 2'654'435'761u + 1;
  for (int i = 0; i < 30; ++i) {
    state = state * 1'664'525u + 1'013'904'223u;
    const bool rare = (state >> 28) == 0;
    text += rare ? "w" + std::to_string((state >> 8) % 20'000) : kCommon[(state >> 24) % 16];
    text += ' ';
  }
  return text;
}

/// Questions and answers in turns.
inline store::Entry entry(unsigned number) {
  const bool asks = number % 2 == 0;
  return {.message = {.role = asks ? chat::Role::User : chat::Role::Assistant,
                      .content = sentence(number)},
          .turn = number / 2,
          .tokens = std::vector<std::int32_t>(asks ? 0 : 40, 7)};
}

/// Gives the ids of the sessions, which all belong to `owner`.
inline std::vector<std::string> make_year(store::Store& store, const TimeSource& time,
                                          const std::string& owner,
                                          unsigned messages = kYearMessages) {
  store::Transcript transcript(store, time);
  std::vector<std::string> sessions;
  for (unsigned i = 0; i < kYearSessions; ++i)
    sessions.push_back(store::Sessions(store, time).create(soon(), owner).value().id);
  for (unsigned at = 0; at < messages; at += kAtOnce) {
    std::vector<store::Entry> entries;
    for (unsigned i = at; i < at + kAtOnce; ++i) entries.push_back(entry(i));
    const std::string& session = sessions[at / kAtOnce % kYearSessions];
    HEARTH_CHECK(transcript.append(soon(), session, entries).ok(), "the disk has room");
  }
  return sessions;
}

}  // namespace hearth::bench
