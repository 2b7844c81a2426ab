#include "model/router/attempt.h"

#include <utility>

namespace hearth::model::router {
namespace {

constexpr const char* kSafeReply =
    "I am glad that you told me. I am only a program, and this needs a person: please talk to "
    "somebody now, a friend, your family, a doctor, or one of these.";

}  // namespace

/// The sink that one model gets. What comes from one that was passed over is not heard.
class Attempt::Leg final : public EventSink {
 public:
  Leg(std::shared_ptr<Attempt> attempt, std::size_t number)
      : attempt_(std::move(attempt)), number_(number) {}
  void on_event(const chat::Event& event) override { attempt_->on_event(number_, event); }

 private:
  const std::shared_ptr<Attempt> attempt_;
  const std::size_t number_;
};

Attempt::Attempt(std::shared_ptr<Desk> desk, Desk::Plan plan, chat::Request request,
                 std::shared_ptr<EventSink> sink)
    : desk_(std::move(desk)),
      plan_(std::move(plan)),
      request_(std::move(request)),
      delivery_(std::move(sink)) {}

Result<void> Attempt::begin() {
  auto asked = ask_next();
  if (asked.ok() || !plan_.is_crisis) return asked;
  reply_safely();
  return ok();
}

/// The next of the plan that takes it.
Result<void> Attempt::ask_next() {
  Error last{Code::Unavailable, "no model can answer this", "model"};
  while (true) {
    std::size_t leg = 0;
    {
      MutexLock lock(mutex_);
      if (legs_ == plan_.order.size()) return last;
      leg = legs_++;
    }
    const std::size_t model = plan_.order[leg];
    const std::string& name = desk_->at(model).model->name();
    if (!desk_->allow(model)) {
      last = {Code::Unavailable, "model '" + name + "' has failed too often and is left alone", ""};
      pass_over(model, last);
      continue;
    }
    auto started = desk_->at(model).model->start(request_for(leg),
                                                 std::make_shared<Leg>(shared_from_this(), leg));
    if (!started.ok()) {
      desk_->failed(model, started.error());
      last = started.error();
      if (!may_another(last)) return last;
      pass_over(model, last);
      continue;
    }
    std::unique_ptr<Generation> done_with = std::move(started).value();
    MutexLock lock(mutex_);
    // It may have failed already, and another be asked on another thread.
    if (!delivery_.closed() && leg + 1 == legs_) std::swap(generation_, done_with);
    return ok();
  }
}

/// As one of the models is asked.
chat::Request Attempt::request_for(std::size_t leg) {
  chat::Request request = request_;
  request.another_waits = leg + 1 < plan_.order.size();
  request.cheaper_waits = desk_->is_cheaper_behind(plan_, leg);
  request.route = route_to(plan_.order[leg]);
  return request;
}

chat::Route Attempt::route_to(std::size_t model) {
  chat::Route route = plan_.route;
  route.model = desk_->at(model).model->name();
  MutexLock lock(mutex_);
  route.passed_over.insert(route.passed_over.end(), passed_over_.begin(), passed_over_.end());
  return route;
}

void Attempt::pass_over(std::size_t model, const Error& error) {
  MutexLock lock(mutex_);
  passed_over_.push_back(desk_->at(model).model->name() + ": " + error.message);
}

bool Attempt::is_current(std::size_t leg) {
  MutexLock lock(mutex_);
  return leg + 1 == legs_;
}

bool Attempt::has_spoken() {
  MutexLock lock(mutex_);
  return speaks_;
}

bool Attempt::goes_on_after(const Error& error) {
  MutexLock lock(mutex_);
  return !speaks_ && may_another(error) && legs_ < plan_.order.size();
}

void Attempt::on_event(std::size_t leg, const chat::Event& event) {
  if (!is_current(leg)) return;
  const std::size_t model = plan_.order[leg];
  if (const auto* failed = std::get_if<chat::Failed>(&event)) {
    desk_->failed(model, failed->error);
    if (goes_on_after(failed->error)) {
      pass_over(model, failed->error);
      const auto asked = ask_next();
      if (!asked.ok()) end_without(asked.error());
      return;
    }
    if (plan_.is_crisis && !has_spoken()) return end_without(failed->error);
  }
  chat::Event told = event;
  if (auto* started = std::get_if<chat::Started>(&told)) {
    started->route = route_to(model);
    MutexLock lock(mutex_);
    speaks_ = true;
  }
  if (auto* finished = std::get_if<chat::Finished>(&told)) {
    desk_->succeeded(model);
    if (plan_.is_crisis && finished->reason != chat::FinishReason::ToolCalls) say_help();
    if (plan_.is_crisis) finished->trace = {};  // it is not all that was said
  }
  if (!delivery_.deliver(told) && !chat::is_last(told)) give_up(std::nullopt);
}

void Attempt::say_help() {
  if (!desk_->options().help_lines.empty())
    delivery_.deliver(chat::Delta{.content = "\n\n" + desk_->options().help_lines});
}

void Attempt::end_without(const Error& error) {
  if (plan_.is_crisis && may_another(error)) return reply_safely();
  delivery_.deliver(chat::Failed{error});
}

/// Where no model that is fit to answer does.
void Attempt::reply_safely() {
  chat::Started started;
  started.route = plan_.route;
  started.route->model.clear();
  delivery_.deliver(started);
  delivery_.deliver(chat::Delta{.content = kSafeReply});
  say_help();
  delivery_.deliver(chat::Finished{});
}

void Attempt::give_up(std::optional<chat::Event> last) {
  delivery_.close(std::move(last));
  std::unique_ptr<Generation> generation;
  MutexLock lock(mutex_);
  generation = std::move(generation_);
}

}  // namespace hearth::model::router
