#include "api/grpc/answering.h"

#include <utility>

#include "api/grpc/codes.h"

namespace hearth::api {

void Outlet::caller_is_gone() {
  if (const auto answering = answering_.lock()) answering->give_up();
}

void Answering::start(model::Model& model, chat::Request request) {
  runs_.add(shared_from_this());
  {
    MutexLock lock(mutex_);
    known_.model = model.name();
  }
  auto generation = model.start(std::move(request), shared_from_this());
  std::shared_ptr<Outlet> refused;
  grpc::Status why;
  bool too_late = false;
  {
    MutexLock lock(mutex_);
    launching_ = false;
    if (generation.ok()) {
      generation_ = std::move(generation).value();
      too_late = over_ && !ended_;
    } else {
      ended_ = true;
      why = grpc_model_status(generation.error());
      if (!over_) refused = outlet_;
      over_ = true;
    }
  }
  if (refused) refused->fail(why);
  // Given up while the model was being asked: the order to cancel has missed this generation.
  if (too_late) runs_.cancel(shared_from_this());
  MutexLock lock(mutex_);
  retire_if_settled();
}

void Answering::give_up() { runs_.cancel(shared_from_this()); }

void Answering::on_event(const chat::Event& event) {
  std::shared_ptr<Outlet> outlet;
  {
    MutexLock lock(mutex_);
    take_note(event);
    if (!over_) outlet = outlet_;
    if (chat::is_last(event)) over_ = true;
  }
  if (outlet) tell(*outlet, event);
  if (!chat::is_last(event)) return;
  MutexLock lock(mutex_);
  ended_ = true;
  retire_if_settled();
}

void Answering::take_note(const chat::Event& event) {
  const auto* started = std::get_if<chat::Started>(&event);
  if (!started || !started->route) return;
  known_.model = started->route->model;
  known_.level = started->route->level;
}

void Answering::tell(Outlet& outlet, const chat::Event& event) {
  if (const auto* delta = std::get_if<chat::Delta>(&event)) {
    if (!outlet.say(*delta)) give_up();
  } else if (const auto* finished = std::get_if<chat::Finished>(&event)) {
    outlet.finish(outcome_of(*finished));
  } else if (const auto* failed = std::get_if<chat::Failed>(&event)) {
    outlet.fail(grpc_model_status(failed->error));
  }
}

Outcome Answering::outcome_of(const chat::Finished& finished) {
  MutexLock lock(mutex_);
  Outcome outcome = known_;
  outcome.usage = finished.usage;
  outcome.reason = finished.reason;
  outcome.latency_ms = std::chrono::duration_cast<Millis>(time_.now() - began_).count();
  return outcome;
}

void Answering::retire_if_settled() {
  if (launching_ || !ended_ || retired_) return;
  retired_ = true;
  runs_.retire(shared_from_this());
}

void Answering::cancel(const Error& why) {
  std::shared_ptr<Outlet> outlet;
  model::Generation* live = nullptr;
  {
    MutexLock lock(mutex_);
    if (!outlet_) return;
    if (!over_) outlet = outlet_;
    over_ = true;
    live = generation_.get();  // freed on this thread alone
  }
  if (outlet) outlet->fail(grpc_status(why));
  if (!live) return;
  live->cancel();
  MutexLock lock(mutex_);
  ended_ = true;
  retire_if_settled();
}

void Answering::release() {
  std::unique_ptr<model::Generation> generation;  // both end behind the lock, which they may want
  std::shared_ptr<Outlet> outlet;
  MutexLock lock(mutex_);
  generation.swap(generation_);
  outlet.swap(outlet_);
}

}  // namespace hearth::api
