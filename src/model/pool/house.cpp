#include "model/pool/house.h"

#include <algorithm>

#include "base/log.h"

namespace hearth::model::pool {
namespace {

constexpr Millis kLoadingPoll{20};          // how soon a model that has loaded is known to be in
constexpr Millis kTriedAgainAfter{30'000};  // one that could not be loaded

/// A generation that a client holds: it stands in the queue or is handed on.
class PooledGeneration final : public Generation {
 public:
  PooledGeneration(std::shared_ptr<House> house, std::size_t at, std::shared_ptr<Passage> passage)
      : house_(std::move(house)), at_(at), passage_(std::move(passage)) {}
  ~PooledGeneration() override {
    house_->forget(at_, passage_);
    passage_->give_up(std::nullopt);
  }
  void cancel() override {
    house_->forget(at_, passage_);
    passage_->give_up(
        chat::Event(chat::Failed{{Code::Cancelled, "the request was cancelled", {}}}));
  }

 private:
  const std::shared_ptr<House> house_;
  const std::size_t at_;
  const std::shared_ptr<Passage> passage_;
};

}  // namespace

House::House(std::vector<PoolEntry> entries, PoolOptions options, const TimeSource& time,
             metrics::Registry& metrics)
    : limits_{.memory_bytes_max = options.memory_bytes_max,
              .residence_min = options.residence_min,
              .linger = options.linger},
      time_(time) {
  for (PoolEntry& entry : entries) {
    Room room{.entry = std::move(entry)};
    room.seat.pinned = room.entry.pinned;
    room.seat.idle_timeout = room.entry.idle_timeout;
    take(room, room.entry.file);
    const metrics::Labels labels = {{"model", room.entry.name}};
    room.loads = &metrics.counter("hearth_model_loads_total", "Times a model was loaded.", labels);
    room.unloads =
        &metrics.counter("hearth_model_unloads_total", "Times a model was unloaded.", labels);
    room.ordered = room.entry.at_start;
    room.seat.wanted_since = time_.now();
    rooms_.push_back(std::move(room));
  }
}

// ---- what is known ------------------------------------------------------------------------------

State House::state(std::size_t at) const {
  MutexLock lock(mutex_);
  const Room& room = rooms_[at];
  if (room.model) return room.model->state();
  if (room.ordered) return State::Loading;
  const bool failed = !room.trouble.empty() || !room.broken.empty();
  return room.entry.at_start && failed ? State::Failed : State::Unloaded;
}

std::string House::state_text(std::size_t at) const {
  MutexLock lock(mutex_);
  const Room& room = rooms_[at];
  if (room.seat.state == Seat::State::Closing) return "ends what it does and is unloaded then";
  if (room.model) return room.model->state_text();
  if (room.ordered || room.seat.waiting > 0) return "waits for memory";
  return room.broken.empty() ? room.trouble : room.broken;
}

engine::ModelFacts House::facts(std::size_t at) const {
  MutexLock lock(mutex_);
  const Room& room = rooms_[at];
  if (!room.model) return room.facts;
  engine::ModelFacts now = room.model->facts();
  return now.size_bytes > 0 ? now : room.facts;
}

std::string House::numerics(std::size_t at) const {
  MutexLock lock(mutex_);
  const Room& room = rooms_[at];
  return room.model ? room.model->numerics() : room.numerics;
}

std::uint32_t House::context_tokens(std::size_t at) const {
  MutexLock lock(mutex_);
  const Room& room = rooms_[at];
  const std::uint32_t now = room.model ? room.model->context_tokens() : 0;
  return now > 0 ? now : room.context_tokens;
}

std::shared_ptr<Model> House::loaded(std::size_t at) const {
  MutexLock lock(mutex_);
  return rooms_[at].model;
}

std::vector<Seat> House::seats() const {
  std::vector<Seat> all;
  for (const Room& room : rooms_) all.push_back(room.seat);
  return all;
}

void House::take(Room& room, PoolFile file) {
  room.seat.memory_bytes = file.memory_bytes;
  room.facts = std::move(file.facts);
  room.context_tokens = file.context_tokens;
  room.broken = std::move(file.trouble);
}

/// A file that was missing may have come.
void House::look_again(std::size_t at) {
  const PoolEntry& entry = rooms_[at].entry;
  if (!entry.look) return;
  {
    MutexLock lock(mutex_);
    if (rooms_[at].broken.empty()) return;
  }
  PoolFile file = entry.look();
  MutexLock lock(mutex_);
  Room& room = rooms_[at];
  if (room.broken.empty()) return;
  if (file.trouble.empty()) {
    room.trouble.clear();
    room.refused_until = {};
  }
  take(room, std::move(file));
}

// ---- what is asked ------------------------------------------------------------------------------

bool House::admits(const Room& room) const {
  const bool is_here =
      room.seat.state == Seat::State::In || room.seat.state == Seat::State::Loading;
  return is_here && room.model;
}

/// Whether it is worth waiting for.
Result<void> House::check(const Room& room, std::size_t at) const {
  const std::string words = "model '" + room.entry.name + "' ";
  if (closed_) return Error{Code::Unavailable, words + "was closed"};
  if (!room.broken.empty())
    return Error{Code::Unavailable, words + "cannot be loaded: " + room.broken};
  if (!room.trouble.empty() && time_.now() < room.refused_until)
    return Error{Code::Unavailable, words + "could not be loaded: " + room.trouble};
  if (!fits_alone(seats(), at, limits_))
    return Error{Code::Unavailable,
                 words + "needs " + megabytes(room.seat.memory_bytes) +
                     " of memory; pool.memory_bytes_max, less what is pinned, is below that"};
  if (room.waiting.size() + room.asking >= room.entry.queue_max)
    return Error{Code::Busy, std::to_string(room.entry.queue_max) + " requests wait already for " +
                                 words + "to be loaded"};
  return ok();
}

void House::count_waiting(Room& room) {
  room.seat.waiting = room.waiting.size() + room.asking + (room.ordered ? 1 : 0);
}

void House::note_wanted(Room& room) {
  if (room.seat.waiting == 0) room.seat.wanted_since = time_.now();
  count_waiting(room);
  nudged_ = true;
  changed_.notify_all();
}

Result<std::unique_ptr<Generation>> House::start(std::size_t at, chat::Request request,
                                                 std::shared_ptr<EventSink> sink) {
  look_again(at);
  const auto self = shared_from_this();
  const auto passage = std::make_shared<Passage>(std::move(request), std::move(sink), time_.now(),
                                                 [self, at] { self->end_work(at); });
  std::shared_ptr<Model> model;
  {
    MutexLock lock(mutex_);
    Room& room = rooms_[at];
    room.seat.used = time_.now();
    if (admits(room) && room.waiting.empty()) {
      model = room.model;
      ++room.seat.working;
    } else {
      TRY_VOID(check(room, at));
      room.waiting.push_back(passage);
      note_wanted(room);
    }
  }
  if (model) TRY_VOID(passage->hand_on(*model, false));
  return std::unique_ptr<Generation>(std::make_unique<PooledGeneration>(self, at, passage));
}

void House::forget(std::size_t at, const std::shared_ptr<Passage>& passage) {
  MutexLock lock(mutex_);
  Room& room = rooms_[at];
  if (std::erase(room.waiting, passage) == 0) return;
  count_waiting(room);
  nudged_ = true;
  changed_.notify_all();
}

void House::end_work(std::size_t at) {
  MutexLock lock(mutex_);
  Seat& seat = rooms_[at].seat;
  --seat.working;
  seat.used = time_.now();
  nudged_ = true;
  changed_.notify_all();
}

Result<House::Lease> House::borrow(const Call& call, std::size_t at) {
  look_again(at);
  MutexLock lock(mutex_);
  Room& room = rooms_[at];
  if (!admits(room)) {
    TRY_VOID(check(room, at));
    ++room.asking;
    note_wanted(room);
    const auto decided = [&]() REQUIRES(mutex_) {
      return admits(room) || closed_ || (!room.trouble.empty() && time_.now() < room.refused_until);
    };
    changed_.wait_until(mutex_, call.stop, call.deadline, decided);
    --room.asking;
    count_waiting(room);
    if (!admits(room)) {
      if (decided()) TRY_VOID(check(room, at));
      if (call.stop.stop_requested()) return Error{Code::Cancelled, "the request was cancelled"};
      return Error{Code::Timeout, "the model was not loaded in time"};
    }
  }
  ++room.seat.working;
  room.seat.used = time_.now();
  return Lease(shared_from_this(), at, room.model);
}

Result<void> House::order(std::size_t at) {
  look_again(at);
  MutexLock lock(mutex_);
  Room& room = rooms_[at];
  room.seat.dismissed = false;
  if (admits(room)) return ok();
  TRY_VOID(check(room, at));
  room.ordered = true;
  note_wanted(room);
  return ok();
}

Result<void> House::dismiss(std::size_t at) {
  MutexLock lock(mutex_);
  Room& room = rooms_[at];
  if (room.entry.pinned && (room.model || room.ordered))
    return Error{Code::InvalidInput,
                 "model '" + room.entry.name +
                     "' cannot be unloaded: it is pinned (pinned = false in its [[pool.model]])",
                 "model"};
  room.ordered = false;
  count_waiting(room);
  if (!room.model) return ok();
  room.seat.dismissed = true;
  nudged_ = true;
  changed_.notify_all();
  return ok();
}

// ---- the keeper ---------------------------------------------------------------------------------

void House::keep(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    Chores chores = next_chores();
    for (const auto& [passage, error] : chores.refusals)
      passage->give_up(chat::Event(chat::Failed{error}));
    for (auto& [at, model] : chores.goodbyes) see_off(at, std::move(model));
    for (const std::size_t at : chores.loads) load(at);
    for (const std::size_t at : chores.hand_overs) hand_over(at);
    if (chores.empty()) wait(stop, chores.look_again);
  }
  close();
}

House::Chores House::next_chores() {
  MutexLock lock(mutex_);
  nudged_ = false;
  Chores chores;
  for (Room& room : rooms_) count_waiting(room);
  note_loaded(chores);
  take_overdue(chores);
  follow(plan(seats(), limits_, time_.now()), chores);
  for (std::size_t at = 0; at < rooms_.size(); ++at)
    if (admits(rooms_[at]) && !rooms_[at].waiting.empty()) chores.hand_overs.push_back(at);
  return chores;
}

void House::note_loaded(Chores& chores) {
  for (std::size_t at = 0; at < rooms_.size(); ++at) {
    Room& room = rooms_[at];
    if (!room.model) continue;
    const State state = room.model->state();
    if (state == State::Failed) {
      refuse(room, room.model->state_text(), chores);
      room.seat.state = Seat::State::Leaving;
      chores.goodbyes.emplace_back(at, std::exchange(room.model, nullptr));
    } else if (room.seat.state == Seat::State::Loading && state == State::Ready) {
      room.seat.state = Seat::State::In;
      room.seat.in_since = time_.now();
      room.trouble.clear();
      remember(room);
    } else if (room.seat.state == Seat::State::Loading) {
      chores.look_again = std::min(chores.look_again, time_.now() + kLoadingPoll);
    }
  }
}

/// For when it is not there any more.
void House::remember(Room& room) {
  engine::ModelFacts facts = room.model->facts();
  if (facts.size_bytes > 0) room.facts = std::move(facts);
  room.numerics = room.model->numerics();
  if (const std::uint32_t tokens = room.model->context_tokens()) room.context_tokens = tokens;
}

void House::refuse(Room& room, const std::string& why, Chores& chores) {
  room.trouble = why;
  room.refused_until = time_.now() + kTriedAgainAfter;
  room.ordered = false;
  const Error error{Code::Unavailable,
                    "model '" + room.entry.name + "' could not be loaded: " + why};
  for (const auto& passage : room.waiting) chores.refusals.emplace_back(passage, error);
  room.waiting.clear();
  count_waiting(room);
  changed_.notify_all();
}

void House::take_overdue(Chores& chores) {
  for (Room& room : rooms_) {
    while (!room.waiting.empty()) {
      const auto& oldest = room.waiting.front();
      const Clock::time_point due = oldest->accepted() + room.entry.request_timeout;
      if (time_.now() < due) {
        chores.look_again = std::min(chores.look_again, due);
        break;
      }
      const Error error{Code::Timeout, "model '" + room.entry.name + "' was not loaded in time"};
      chores.refusals.emplace_back(oldest, error);
      room.waiting.pop_front();
    }
    count_waiting(room);
  }
}

void House::follow(const Plan& plan, Chores& chores) {
  for (const Step& step : plan.steps) {
    Room& room = rooms_[step.seat];
    switch (step.kind) {
      case Step::Kind::Load:
        room.seat.state = Seat::State::Loading;
        chores.loads.push_back(step.seat);
        break;
      case Step::Kind::Close: room.seat.state = Seat::State::Closing; break;
      case Step::Kind::Reopen: room.seat.state = Seat::State::In; break;
      case Step::Kind::Leave:
        room.seat.state = Seat::State::Leaving;
        remember(room);
        chores.goodbyes.emplace_back(step.seat, std::exchange(room.model, nullptr));
        break;
    }
  }
  chores.look_again = std::min(chores.look_again, plan.look_again);
}

void House::load(std::size_t at) {
  const PoolEntry& entry = rooms_[at].entry;
  log::info("model '{}' is being loaded", entry.name);
  PoolFile file = entry.look ? entry.look() : PoolFile();  // it may have gone
  auto opened = file.trouble.empty() ? entry.open() : Error{Code::Unavailable, file.trouble};
  std::vector<std::pair<std::shared_ptr<Passage>, Error>> refusals;
  {
    MutexLock lock(mutex_);
    Room& room = rooms_[at];
    if (opened.ok()) {
      room.model = std::move(opened).value();
      room.ordered = false;
      room.loads->add();
    } else {
      Chores chores;
      refuse(room, opened.error().message, chores);
      if (!file.trouble.empty()) take(room, std::move(file));
      refusals = std::move(chores.refusals);
      room.seat.state = Seat::State::Out;
    }
    changed_.notify_all();
  }
  for (const auto& [passage, error] : refusals) passage->give_up(chat::Event(chat::Failed{error}));
  hand_over(at);
}

/// What waits, in its order; who comes now waits behind, and overtakes nobody.
void House::hand_over(std::size_t at) {
  while (true) {
    std::shared_ptr<Passage> passage;
    std::shared_ptr<Model> model;
    {
      MutexLock lock(mutex_);
      Room& room = rooms_[at];
      if (!admits(room) || room.waiting.empty()) return;
      model = room.model;
      passage = std::move(room.waiting.front());
      ++room.seat.working;
      room.waiting.pop_front();
      count_waiting(room);
    }
    // Its sink is told what goes wrong.
    (void)passage->hand_on(*model, true);
  }
}

void House::see_off(std::size_t at, std::shared_ptr<Model> model) {
  model.reset();  // returns when its process has ended
  MutexLock lock(mutex_);
  Room& room = rooms_[at];
  room.seat.state = Seat::State::Out;
  room.seat.dismissed = false;
  room.unloads->add();
  log::info("model '{}' is unloaded", room.entry.name);
}

void House::wait(const std::stop_token& stop, Clock::time_point until) {
  MutexLock lock(mutex_);
  const auto woken = [this]() REQUIRES(mutex_) { return nudged_; };
  if (until == Clock::time_point::max()) {
    changed_.wait(mutex_, stop, woken);
  } else {
    changed_.wait_until(mutex_, stop, Clock::now() + (until - time_.now()), woken);
  }
}

void House::close() {
  std::vector<std::shared_ptr<Model>> models;
  std::vector<std::shared_ptr<Passage>> waiting;
  {
    MutexLock lock(mutex_);
    closed_ = true;
    for (Room& room : rooms_) {
      models.push_back(std::exchange(room.model, nullptr));
      room.seat.state = Seat::State::Out;
      waiting.insert(waiting.end(), room.waiting.begin(), room.waiting.end());
      room.waiting.clear();
    }
    changed_.notify_all();
  }
  for (const auto& passage : waiting)
    passage->give_up(chat::Event(chat::Failed{{Code::Unavailable, "the model was closed", {}}}));
}

}  // namespace hearth::model::pool
