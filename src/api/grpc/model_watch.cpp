#include "api/grpc/model_watch.h"

#include <algorithm>
#include <utility>

#include "api/http/pages.h"

namespace hearth::api {
namespace {

using model::State;

/// nullopt: it is not decided yet.
std::optional<Result<void>> outcome(const model::Model& model, ModelWatch::Aim aim) {
  const State state = model.state();
  if (aim == ModelWatch::Aim::Unloaded) {
    if (state == State::Unloaded || state == State::Failed) return ok();
    return std::nullopt;
  }
  if (state == State::Ready) return ok();
  if (state != State::Unloaded && state != State::Failed) return std::nullopt;
  const std::string text = model.state_text();
  return Error{Code::Unavailable, "model '" + model.name() + "' was not loaded: " +
                                      (text.empty() ? "others needed the memory" : text)};
}

Error stopping() { return {Code::Unavailable, "the daemon is stopping", {}}; }

}  // namespace

void ModelWatch::begin(std::function<void(bool)> tell) {
  tell_ = std::move(tell);
  thread_ = std::jthread([this](const std::stop_token& stop) { work(stop); });
}

void ModelWatch::end() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
  std::vector<Wish> left;
  {
    MutexLock lock(mutex_);
    ended_ = true;
    left.swap(wishes_);
  }
  for (const Wish& wish : left) wish.waiter->settle(stopping());
}

void ModelWatch::wait_for(model::Model& model, Aim aim, std::shared_ptr<Waiter> waiter) {
  {
    MutexLock lock(mutex_);
    if (!ended_) {
      wishes_.push_back({&model, aim, std::move(waiter), parts_.time.now() + kWaitMax});
      return changed_.notify_all();
    }
  }
  waiter->settle(stopping());
}

std::int64_t ModelWatch::loaded_since_ms(const model::Model& model) {
  note_states();
  MutexLock lock(mutex_);
  const auto found = loaded_since_ms_.find(&model);
  return found == loaded_since_ms_.end() ? 0 : found->second;
}

void ModelWatch::note_states() {
  for (const model::Model* const model : parts_.models.all) {
    const bool is_loaded = model->state() == State::Ready;
    MutexLock lock(mutex_);
    if (is_loaded)
      loaded_since_ms_.try_emplace(model, unix_time<Millis>(parts_.time));
    else
      loaded_since_ms_.erase(model);
  }
}

bool ModelWatch::is_granted(const Wish& wish) const {
  if (wish.waiter->is_settled()) return true;
  auto how = outcome(*wish.model, wish.aim);
  if (!how && parts_.time.now() >= wish.until)
    how = Error{Code::Timeout, "model '" + wish.model->name() + "' took too long", {}};
  if (!how) return false;
  wish.waiter->settle(*how);
  return true;
}

void ModelWatch::look() {
  note_states();
  std::vector<Wish> wishes;
  {
    MutexLock lock(mutex_);
    wishes = wishes_;
  }
  std::vector<const Waiter*> granted;
  for (const Wish& wish : wishes)  // without the lock: who is settled may ask for more
    if (is_granted(wish)) granted.push_back(wish.waiter.get());
  {
    MutexLock lock(mutex_);
    std::erase_if(wishes_, [&](const Wish& wish) {
      return std::ranges::find(granted, wish.waiter.get()) != granted.end();
    });
  }
  const bool answers = all_missing(parts_).empty();
  if (told_ != answers) tell_(answers);
  told_ = answers;
}

void ModelWatch::work(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    look();
    MutexLock lock(mutex_);
    const std::size_t waiting = wishes_.size();
    const auto is_new = [&]() REQUIRES(mutex_) { return wishes_.size() > waiting; };
    changed_.wait_for(mutex_, stop, waiting > 0 ? kLook : kGlance, is_new);
  }
}

}  // namespace hearth::api
