#pragma once
#include <string>
#include <string_view>

namespace hearth::cli {

/// An answer that comes a second time from its beginning, to somebody who saw a part of it: what
/// was seen is not shown again, unless the second turns out to be another one. Pure.
class ResumedText {
 public:
  explicit ResumedText(std::string seen) : seen_(std::move(seen)) {}

  struct Step {
    bool differs = false;  // it is another answer: `text` is all of it so far
    std::string text{};    // to be shown now
  };
  /// The next piece of the second answer.
  Step take(std::string_view piece);
  /// Behind the last piece: a second answer that ended sooner than the first is another one.
  Step finish();

 private:
  Step differ();

  const std::string seen_;
  std::string held_{};  // of the second answer, as long as it is what was seen
  bool caught_up_ = false;
};

}  // namespace hearth::cli
