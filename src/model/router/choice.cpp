#include "model/router/choice.h"

#include <algorithm>
#include <tuple>

namespace hearth::model::router {
namespace {

constexpr int kLevels = 3;

/// 0 for what is needed, then what lies above, then what lies below.
int distance(Level level, Level needed) {
  const int above = static_cast<int>(level) - static_cast<int>(needed);
  return above >= 0 ? above : kLevels - above;
}

auto rank(const Candidate& one, Level needed, const Wish& wish) {
  const bool holds = one.context_tokens == 0 || wish.prompt_tokens < one.context_tokens;
  const bool waits = wish.forwards_while_loading && one.is_local && one.is_loading &&
                     one.readiness == Candidate::Readiness::Soon;
  return std::tuple(one.readiness == Candidate::Readiness::Gone, !holds,
                    waits ? kLevels * 2 : distance(one.level, needed), !one.is_local,
                    static_cast<int>(one.readiness));
}

}  // namespace

std::vector<std::size_t> order(const std::vector<Candidate>& candidates, Level needed,
                               const Wish& wish) {
  std::vector<std::size_t> chosen;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const bool fits = (!wish.only_local || candidates[i].is_local) &&
                      (!wish.only_strong || candidates[i].level == Level::Strategic);
    if (fits) chosen.push_back(i);
  }
  std::ranges::sort(chosen, {}, [&](std::size_t i) {
    return std::tuple_cat(rank(candidates[i], needed, wish), std::tuple(i));  // else as given
  });
  return chosen;
}

}  // namespace hearth::model::router
