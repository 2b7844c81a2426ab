#include "agent/answerer.h"

#include <utility>

namespace hearth::agent {

void Answerer::choose(model::Model& named, const Asked& asked) {
  named_ = &named;
  take(named.choose(asked, {}));
}

bool Answerer::choose_another(const Error& error, const Asked& asked) {
  named_->learn(*choice_.model, &error);
  if (!choice_.route || !model::may_another(error)) return false;
  failed_.push_back(choice_.model);
  model::Model::Choice next = named_->choose(asked, failed_);
  if (!next.model) return false;
  passed_over_.push_back(choice_.model->name() + ": " + error.message);
  take(std::move(next));
  return true;
}

void Answerer::take(model::Model::Choice choice) {
  choice_ = std::move(choice);
  if (!choice_.route) return;
  auto& told = choice_.route->passed_over;
  told.insert(told.end(), passed_over_.begin(), passed_over_.end());
}

void Answerer::mark(chat::Request& request) const {
  request.route = choice_.route;
  request.another_waits = choice_.another_waits;
  request.cheaper_waits = choice_.cheaper_waits;
}

}  // namespace hearth::agent
