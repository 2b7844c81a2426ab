#include "cli/sessions/resumed_text.h"

namespace hearth::cli {

ResumedText::Step ResumedText::take(std::string_view piece) {
  if (caught_up_) return {.text = std::string(piece)};
  held_ += piece;
  if (seen_.starts_with(held_)) return {};
  if (!held_.starts_with(seen_)) return differ();
  caught_up_ = true;
  return {.text = held_.substr(seen_.size())};
}

ResumedText::Step ResumedText::finish() {
  if (caught_up_ || held_ == seen_) return {};
  return differ();
}

ResumedText::Step ResumedText::differ() {
  caught_up_ = true;
  return {.differs = true, .text = held_};
}

}  // namespace hearth::cli
