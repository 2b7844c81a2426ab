#include "model/local/work_list.h"

#include <algorithm>

namespace hearth::model::local {
namespace {

std::string in_words(Millis limit) {
  if (limit.count() % 1000 != 0) return std::to_string(limit.count()) + " ms";
  return std::to_string(limit.count() / 1000) + " s";
}

std::string missed_by(const Work& work) {
  if (work.started) return "the answer was not complete within ";
  return work.unsent ? "the model was not loaded within " : "the model had no free slot within ";
}

}  // namespace

WorkPointer WorkList::find(std::uint64_t id) const {
  const auto found = works_.find(id);
  return found == works_.end() ? nullptr : found->second;
}

WorkPointer WorkList::take(std::uint64_t id) {
  auto node = works_.extract(id);
  return node.empty() ? nullptr : std::move(node.mapped());
}

WorkPointer WorkList::cancel(std::uint64_t id, Clock::time_point now) {
  auto work = take(id);
  if (work && !work->unsent) owe(id, now);
  return work;
}

std::vector<WorkPointer> WorkList::take_sent() {
  std::vector<WorkPointer> works;
  std::erase_if(works_, [&works](const auto& entry) {
    if (entry.second->unsent) return false;
    works.push_back(entry.second);
    return true;
  });
  owed_.clear();
  other_requests_ = 0;
  return works;
}

std::vector<WorkPointer> WorkList::clear() {
  std::vector<WorkPointer> works = take_sent();
  for (auto& [id, work] : works_) works.push_back(std::move(work));
  works_.clear();
  return works;
}

WorkPointer WorkList::first_unsent() const {
  const auto found = std::find_if(works_.begin(), works_.end(), [](const auto& entry) {
    return entry.second->unsent.has_value();
  });
  return found == works_.end() ? nullptr : found->second;
}

std::size_t WorkList::size_of(std::uint64_t account) const {
  return static_cast<std::size_t>(
      std::count_if(works_.begin(), works_.end(),
                    [account](const auto& entry) { return entry.second->account == account; }));
}

std::size_t WorkList::started() const {
  return static_cast<std::size_t>(std::count_if(
      works_.begin(), works_.end(), [](const auto& entry) { return entry.second->started; }));
}

Clock::time_point WorkList::silence_deadline(const Work& work, bool engine_free) const {
  if (work.started) return work.last_event + limits_.token_timeout;
  if (work.unsent || !engine_free) return Clock::time_point::max();
  return std::max(work.accepted, last_word_) + limits_.token_timeout;
}

std::vector<WorkList::Overdue> WorkList::take_overdue(Clock::time_point now) {
  std::vector<Overdue> overdue;
  const bool engine_free = engine_is_free();
  for (const auto& [id, work] : works_) {
    if (now >= work->accepted + limits_.request_timeout) {
      overdue.push_back(
          {work, {Code::Timeout, missed_by(*work) + in_words(limits_.request_timeout)}});
    } else if (now >= silence_deadline(*work, engine_free)) {
      overdue.push_back({work, {Code::Timeout, "no token for " + in_words(limits_.token_timeout)}});
    }
  }
  for (const auto& [work, error] : overdue) cancel(work->id, now);
  return overdue;
}

bool WorkList::wedged(Clock::time_point now) const {
  return std::any_of(owed_.begin(), owed_.end(),
                     [&](const auto& entry) { return now >= entry.second + limits_.cancel_grace; });
}

Clock::time_point WorkList::next_deadline() const {
  const bool engine_free = engine_is_free();
  auto next = Clock::time_point::max();
  for (const auto& [id, work] : works_) {
    next = std::min(next, work->accepted + limits_.request_timeout);
    next = std::min(next, silence_deadline(*work, engine_free));
  }
  for (const auto& [id, since] : owed_) next = std::min(next, since + limits_.cancel_grace);
  return next;
}

}  // namespace hearth::model::local
