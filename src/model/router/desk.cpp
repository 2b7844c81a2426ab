#include "model/router/desk.h"

#include <algorithm>

#include "base/log.h"

namespace hearth::model::router {
namespace {

constexpr std::size_t kBytesPerToken = 3;  // a low guess, for whether a prompt fits

std::uint64_t about_tokens(const chat::Request& request) {
  if (const auto* tokens = std::get_if<chat::PlainTokens>(&request.prompt))
    return tokens->tokens.size();
  std::size_t bytes = 0;
  if (const auto* plain = std::get_if<chat::PlainText>(&request.prompt)) bytes = plain->text.size();
  if (const auto* conversation = std::get_if<chat::Conversation>(&request.prompt)) {
    for (const chat::Message& message : conversation->messages) bytes += message.content.size();
    for (const chat::Tool& tool : conversation->tools)
      bytes +=
          tool.description.size() + (tool.outline.empty() ? tool.parameters : tool.outline).size();
  }
  return bytes / kBytesPerToken;
}

/// Whether it speaks against asking the model again soon. One that is full is not broken, nor one
/// that must not be paid (a field says so); one that does not take our key is.
bool is_fault(const Error& error) {
  return error.code == Code::Unavailable || error.code == Code::Timeout ||
         error.code == Code::Internal || error.code == Code::Corrupt ||
         (error.code == Code::Denied && error.field.empty());
}

/// For each model the first that it shares a breaker with.
std::vector<std::size_t> circuits_of(const std::vector<RoutedModel>& models) {
  std::vector<std::size_t> circuits;
  for (std::size_t i = 0; i < models.size(); ++i) {
    std::size_t first = i;
    for (std::size_t j = 0; j < i && first == i; ++j)
      if (!models[i].circuit.empty() && models[j].circuit == models[i].circuit) first = j;
    circuits.push_back(first);
  }
  return circuits;
}

std::string point_text(const Point& point) {
  return std::string(point.rule) + (point.points < 0 ? " " : " +") + std::to_string(point.points);
}

Candidate::Readiness readiness_of(const Model& model) {
  switch (model.state()) {
    case model::State::Ready: return Candidate::Readiness::Ready;
    case model::State::Failed: return Candidate::Readiness::Gone;
    case model::State::Unloaded:  // with a text: it could not be loaded
      return model.state_text().empty() ? Candidate::Readiness::Soon : Candidate::Readiness::Gone;
    case model::State::Loading:
    case model::State::Restarting: break;
  }
  return Candidate::Readiness::Soon;
}

}  // namespace

const std::vector<Named>& all_named() {
  static const std::vector<Named> kAll = {{"auto"},
                                          {"local", {}, true},
                                          {"operational", Level::Operational},
                                          {"tactical", Level::Tactical},
                                          {"strategic", Level::Strategic}};
  return kAll;
}

std::optional<Crisis> crisis_of(const chat::Request& request) {
  return find_crisis(last_said(request));
}

chat::Route route_of(const Assessment& needs, const std::optional<Crisis>& crisis) {
  chat::Route route{.level = level_name(needs.level), .score = needs.score};
  for (const Point& point : needs.points) route.reasons.push_back(point_text(point));
  if (crisis) route.crisis = crisis_name(*crisis);
  return route;
}

Desk::Desk(std::vector<RoutedModel> models, RouterOptions options, const TimeSource& time,
           metrics::Registry& metrics)
    : models_(std::move(models)),
      options_(std::move(options)),
      time_(time),
      circuits_(circuits_of(models_)),
      breakers_(models_.size()) {
  for (const RoutedModel& one : models_)
    answers_.push_back(&metrics.counter("hearth_routed_total",
                                        "Requests without a model's name that it has answered.",
                                        {{"model", one.model->name()}}));
}

std::vector<Candidate> Desk::candidates() const {
  std::vector<Candidate> all;
  for (std::size_t i = 0; i < models_.size(); ++i) {
    const Model& model = *models_[i].model;
    Candidate one{.level = models_[i].level, .is_local = models_[i].is_local};
    one.readiness = readiness_of(model);
    one.is_loading = model.state() == model::State::Loading;
    one.context_tokens = model.context_tokens();
    MutexLock lock(mutex_);
    if (!breakers_[circuits_[i]].would_allow(time_.now()))
      one.readiness = Candidate::Readiness::Gone;
    all.push_back(one);
  }
  return all;
}

Desk::Plan Desk::plan(const Named& named, const chat::Request& request) const {
  const Assessment needs = assess(request);
  const auto crisis = options_.watches_for_crises ? crisis_of(request) : std::nullopt;
  const Level level = crisis ? Level::Strategic : named.level.value_or(needs.level);
  Plan made{.is_crisis = crisis.has_value()};
  const Wish wish{.only_local = named.only_local,
                  .forwards_while_loading = options_.forwards_while_loading,
                  .only_strong = made.is_crisis,
                  .prompt_tokens = about_tokens(request)};
  const std::vector<Candidate> all = candidates();
  made.order = order(all, level, wish);
  made.route = route_of(needs, crisis);
  made.route.asked = named.name;
  made.route.level = level_name(level);
  if (!made.order.empty()) made.route.model = models_[made.order.front()].model->name();
  made.route.passed_over = passed_over(all, level, wish);
  return made;
}

/// Those that would stand before the first one, if they were not left alone for now. Of those that
/// cannot answer until somebody mends them nobody wants to be told each time.
std::vector<std::string> Desk::passed_over(const std::vector<Candidate>& all, Level level,
                                           const Wish& wish) const {
  using Readiness = Candidate::Readiness;
  std::vector<Candidate> hoped = all;
  for (Candidate& one : hoped)
    if (one.readiness == Readiness::Gone) one.readiness = Readiness::Ready;
  std::vector<std::string> told;
  for (const std::size_t i : order(hoped, level, wish)) {
    if (all[i].readiness != Readiness::Gone) return told;
    const std::string why = remark(i);
    if (!why.empty()) told.push_back(models_[i].model->name() + ": " + why);
  }
  return {};  // nobody is left to be asked instead of them
}

std::string Desk::remark(std::size_t model) const {
  MutexLock lock(mutex_);
  const Breaker& breaker = breakers_[circuits_[model]];
  const Clock::time_point now = time_.now();
  if (breaker.state(now) != Breaker::State::Open) return "";
  const auto left = std::chrono::ceil<std::chrono::seconds>(breaker.opens_until() - now).count();
  return "left alone for another " + std::to_string(left) + " s, after " +
         std::to_string(Breaker::kFailuresMax) + " failures in a row";
}

bool Desk::allow(std::size_t model) {
  MutexLock lock(mutex_);
  return breakers_[circuits_[model]].allow(time_.now());
}

void Desk::succeeded(std::size_t model) {
  answers_[model]->add();
  MutexLock lock(mutex_);
  breakers_[circuits_[model]].succeeded();
}

void Desk::failed(std::size_t model, const Error& error) {
  MutexLock lock(mutex_);
  Breaker& breaker = breakers_[circuits_[model]];
  is_fault(error) ? breaker.failed(time_.now()) : breaker.left();
}

bool Desk::is_cheaper_behind(const Plan& plan, std::size_t place) const {
  const Level level = models_[plan.order[place]].level;
  return std::any_of(plan.order.begin() + static_cast<std::ptrdiff_t>(place) + 1, plan.order.end(),
                     [&](std::size_t other) { return models_[other].level < level; });
}

std::optional<std::size_t> Desk::find(const Model& model) const {
  for (std::size_t i = 0; i < models_.size(); ++i)
    if (models_[i].model == &model) return i;
  return std::nullopt;
}

}  // namespace hearth::model::router
