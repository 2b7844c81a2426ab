#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "chat/generation.h"
#include "model/router.h"

namespace hearth::model::router {

/// A rule that spoke, and what it gave.
struct Point {
  const char* rule;  // "code", "many words"
  int points = 0;
};

/// What a request needs, and why.
struct Assessment {
  Level level = Level::Operational;
  int score = 0;
  std::vector<Point> points{};  // of the rules that spoke, in the table's order
};

/// What the user said last, or the text that is to be continued; borrows from the request.
std::string_view last_said(const chat::Request& request);

/// Scores the last thing that was said, with what surrounds it, by the table in rules.cpp: first by
/// what needs no language (length, code, structure, history, tools), then by words of some. Words
/// count as whole words. Pure; well below a millisecond.
Assessment assess(const chat::Request& request);

/// Scores from which a request needs more than an operational or a tactical model.
inline constexpr int kTacticalFrom = 1, kStrategicFrom = 4;

}  // namespace hearth::model::router
