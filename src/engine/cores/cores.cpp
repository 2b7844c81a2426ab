#include "engine/cores/cores.h"

#include <algorithm>

#include "base/log.h"

namespace hearth::engine {

Cores::Cores(Options options, CoreUseCell& use) : options_(std::move(options)), use_(use) {
  if (!options_.board.empty()) {
    auto lease = CoreLease::open(options_.board, options_.cores);
    if (!lease.ok()) log::warn("{}; this engine takes all cores", lease.error().message);
    if (lease.ok()) lease_ = std::move(lease).value();
  }
  if (!options_.fixed && options_.threads > 1) governor_.emplace(options_.threads, watch_.cpus());
  grant_.cores = step_.threads = options_.threads;
  if (governor_) watch_.look(Clock::now());
  publish();
}

std::uint32_t Cores::begin(StepKind kind, std::uint32_t rows, const std::function<bool()>& stop) {
  if (governor_ && is_idle_) {
    const auto now = Clock::now();
    if (const auto look = watch_.look(now)) governor_->note_idle(*look, now);
  }
  is_idle_ = false;
  denied_.reset();
  overtime_at_.reset();  // `stop` may ask must_restart()
  const std::uint32_t budget = governor_ ? governor_->budget(kind) : options_.cores;
  const std::uint32_t demand = std::min(options_.threads, options_.cores);
  grant_ = lease_ ? lease_->acquire(demand, budget, stop) : CoreLease::Grant{.cores = budget};
  // Who asks for more threads than there are cores gets them, while nobody else computes.
  const bool as_asked = options_.fixed && grant_.engines == 1;
  step_ = {.kind = kind,
           .rows = rows,
           .threads = as_asked ? options_.threads : std::min(grant_.cores, options_.threads)};
  began_ = Clock::now();
  const auto overtime =
      governor_ && options_.can_restart ? governor_->overtime(step_) : std::nullopt;
  if (overtime) overtime_at_ = began_ + *overtime;
  return step_.threads;
}

bool Cores::must_restart() {
  if (denied_) return true;
  const auto now = Clock::now();
  if (!overtime_at_ || now < *overtime_at_) return false;
  auto look = watch_.look(now);
  if (look && Governor::is_denied(*look)) denied_ = look;
  overtime_at_ = now + (now - began_);
  return denied_.has_value();
}

void Cores::end(bool completed) {
  const auto now = Clock::now();
  step_.wall = std::chrono::duration_cast<Micros>(now - began_);
  if (!completed && !denied_) step_.rows = 0;
  if (governor_)
    governor_->note(step_, denied_ ? denied_ : watch_.look(now), grant_.held_by_others, now);
  publish();
}

void Cores::idle() {
  is_idle_ = true;
  if (lease_) lease_->release();
}

CoreUse::Limit Cores::limit() const {
  if (grant_.engines > 1 && step_.threads < options_.threads) return CoreUse::Limit::Engines;
  if (options_.fixed) return CoreUse::Limit::Fixed;
  if (options_.threads < options_.cores) return CoreUse::Limit::TinyModel;
  return step_.threads < options_.threads ? CoreUse::Limit::Neighbours : CoreUse::Limit::None;
}

void Cores::publish() {
  CoreUse use{.threads = step_.threads,
              .cores = options_.cores,
              .limit = limit(),
              .engines = grant_.engines,
              .shares = lease_ != nullptr};
  if (governor_) {
    use.neighbour_cores = static_cast<float>(governor_->neighbour_cores());
    use.downs = governor_->downs();
    use.ups = governor_->ups();
    use.denied_us = static_cast<std::uint64_t>(governor_->denied().count());
  }
  use_.set(use);
}

}  // namespace hearth::engine
