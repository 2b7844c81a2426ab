#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "model/router.h"
#include "model/router/breaker.h"
#include "model/router/choice.h"
#include "model/router/crisis.h"

namespace hearth::model::router {

/// A name that stands for a choice.
struct Named {
  const char* name;
  std::optional<Level> level{};
  bool only_local = false;
};
/// "auto", "local", "operational", "tactical", "strategic".
const std::vector<Named>& all_named();

std::optional<Crisis> crisis_of(const chat::Request& request);
/// All of it but the model.
chat::Route route_of(const Assessment& needs, const std::optional<Crisis>& crisis);

/// The models of a router, how they have answered lately, and who is asked next. Any thread.
class Desk {
 public:
  Desk(std::vector<RoutedModel> models, RouterOptions options, const TimeSource& time,
       metrics::Registry& metrics);

  /// Who is asked, in this order, and why.
  struct Plan {
    std::vector<std::size_t> order{};
    chat::Route route{};  // as if the first of them answered
    bool is_crisis = false;
  };
  Plan plan(const Named& named, const chat::Request& request) const EXCLUDES(mutex_);

  const RoutedModel& at(std::size_t model) const { return models_[model]; }
  const RouterOptions& options() const { return options_; }

  /// Whether the plan goes on to a model of a lower level behind this place.
  bool is_cheaper_behind(const Plan& plan, std::size_t place) const;
  /// Which of them it is.
  std::optional<std::size_t> find(const Model& model) const;

  /// Why it is left alone at the moment, after failures in a row; empty: it is not.
  std::string remark(std::size_t model) const EXCLUDES(mutex_);

  /// False while its breaker is open. Who was allowed tells how it ended.
  bool allow(std::size_t model) EXCLUDES(mutex_);
  void succeeded(std::size_t model) EXCLUDES(mutex_);
  /// Counts where the error speaks against asking it again soon.
  void failed(std::size_t model, const Error& error) EXCLUDES(mutex_);

 private:
  std::vector<Candidate> candidates() const EXCLUDES(mutex_);
  std::vector<std::string> passed_over(const std::vector<Candidate>& all, Level level,
                                       const Wish& wish) const EXCLUDES(mutex_);

  const std::vector<RoutedModel> models_;
  const RouterOptions options_;
  const TimeSource& time_;
  std::vector<metrics::Counter*> answers_{};
  mutable Mutex mutex_{};
  std::vector<std::size_t> circuits_{};  // which breaker is whose
  std::vector<Breaker> breakers_ GUARDED_BY(mutex_);
};

}  // namespace hearth::model::router
