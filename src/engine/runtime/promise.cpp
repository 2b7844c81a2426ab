#include "engine/runtime/promise.h"

#include <utility>

#include "base/fields.h"
#include "base/log.h"

namespace hearth::engine {

Result<void> may_promise(const LoadedModel& model) {
  if (model.batch_invariant) return ok();
  return field_error("deterministic", "cannot be promised: " + model.batch_variance);
}

void Promise::hold(std::shared_ptr<GenerateJob> job) { held_.push_back(std::move(job)); }

void Promise::decide(Result<void> verdict) {
  const auto took = std::chrono::duration_cast<Millis>(Clock::now() - begun_).count();
  if (verdict.ok()) log::info("deterministic replies are promised; the self-test took {} ms", took);
  if (!verdict.ok()) log::warn("{}", verdict.error().message);
  verdict_ = std::move(verdict);
  test_.reset();
}

void Promise::step() {
  if (!held_.empty() && !verdict_) test();
}

/// One step towards the verdict.
void Promise::test() {
  if (auto possible = may_promise(model_); !possible.ok()) return decide(std::move(possible));
  if (!test_) {
    begun_ = Clock::now();
    auto made = SelfCheck::make(model_, SelfCheck::Extent::Quick, SelfCheck::kQuickTokens);
    if (!made.ok()) return decide(made.error());
    test_ = std::move(made).value();
  }
  const auto more = test_->step();
  if (!more.ok()) return decide(more.error());
  const std::string differs = test_->first_difference();
  if (!differs.empty())
    return decide(field_error(
        "deterministic",
        "cannot be promised: the self-test of this model failed at \"" + differs + "\""));
  if (!more.value()) decide(ok());
}

std::deque<std::shared_ptr<GenerateJob>> Promise::take_decided() {
  if (!verdict_) return {};
  return std::exchange(held_, {});
}

Result<void> Promise::verdict() {
  while (!verdict_) test();
  return *verdict_;
}

}  // namespace hearth::engine
