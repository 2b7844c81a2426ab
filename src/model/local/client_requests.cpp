#include <algorithm>

#include "model/local/client.h"

namespace hearth::model::local {
namespace {

constexpr Millis kSendLimit{10'000};   // an engine reads its socket at all times; 10 s late is dead
constexpr Millis kCancelLimit{1'000};  // may be sent on threads that must not wait
constexpr std::size_t kQuestionsMax = 64;  // embed, tokenize, … that wait for an answer at a time

}  // namespace

Result<process::Frame> Client::make_frame(const engine::Request& request) const {
  auto encoded = engine::encode(request);
  if (encoded.payload.size() > process::kFrameBytesMax)
    return Error{Code::TooLarge, "the request has " + std::to_string(encoded.payload.size()) +
                                     " bytes; at most " + std::to_string(process::kFrameBytesMax) +
                                     " are allowed"};
  // The engine takes a breach of the bounds for an attack and ends. So it must not see one.
  TRY_VOID(engine::decode_request(encoded.type, encoded.payload));
  return process::Frame{.version = engine::kProtocolVersion,
                        .type = encoded.type,
                        .payload = std::move(encoded.payload)};
}

/// What cannot be sent means that the engine is gone or stuck: its end is then run()'s affair.
void Client::send(const Engine& engine, const process::Frame& frame, Millis limit) const {
  if (!engine->channel().send(Call::within(limit), frame).ok()) engine->kill();
}

void Client::send_cancel(const Engine& engine, std::uint64_t id) const {
  const auto frame = make_frame(engine::Cancel{id});
  if (frame.ok()) send(engine, frame.value(), kCancelLimit);
}

void Client::send_identity(const Engine& engine, const std::string& fingerprint) const {
  if (fingerprint.empty()) return;  // not known yet, or never
  const auto frame = make_frame(engine::Identify{fingerprint});
  if (frame.ok()) send(engine, frame.value(), kSendLimit);
}

Result<WorkPointer> Client::start(chat::Request request, std::shared_ptr<EventSink> sink) {
  const std::uint64_t id = next_id(), account = request.account;
  TRY(auto frame, make_frame(engine::Generate{id, std::move(request)}));
  auto work = std::make_shared<Work>(id, std::move(sink), time_.now(), account);
  TRY(const auto parcel, admit(work, std::move(frame)));
  if (parcel) send(parcel->engine, parcel->frame, kSendLimit);
  return work;
}

/// What to send now; nothing if the work keeps its frame until an engine is ready.
Result<std::optional<Client::Parcel>> Client::admit(const WorkPointer& work, process::Frame frame) {
  MutexLock lock(mutex_);
  const bool ready = state_ == State::Ready;
  if (!ready && !may_wait_) return unavailable();
  const auto room = check_room(*work);
  if (!room.ok()) {
    instruments_.refused.add();
    return room.error();
  }
  if (!ready) work->unsent = std::move(frame);
  works_.add(work);
  instruments_.requests.add();
  note_load();
  nudge_.request_stop();
  if (!ready) return std::optional<Parcel>();
  return std::optional(Parcel{engine_, work->id, std::move(frame)});
}

/// Before an engine is ready there are no slots, only places to wait in.
Result<void> Client::check_room(const Work& work) {
  const std::size_t slots = state_ == State::Ready ? loaded_->slots : 0;
  const std::size_t places = slots + options_.queue_max;
  if (works_.size() >= places)
    return Error{Code::Busy, std::to_string(options_.queue_max) +
                                 " requests wait already for model '" + options_.name + "'"};
  const std::size_t allowed = places - std::min<std::size_t>(places, options_.queue_reserved);
  if (works_.size_of(work.account) < allowed) return ok();
  return Error{Code::Busy, "this token has " + std::to_string(allowed) + " requests at model '" +
                               options_.name +
                               "' already; the places that are left are kept for other tokens"};
}

void Client::end(const WorkPointer& work, std::optional<chat::Event> last) {
  Engine engine;
  {
    MutexLock lock(mutex_);
    if (works_.cancel(work->id, time_.now()) && !work->unsent) engine = engine_;
    note_load();
    nudge_.request_stop();
  }
  if (engine) send_cancel(engine, work->id);
  work->delivery.close(std::move(last));
}

Result<engine::Reply> Client::ask(const Call& call, std::uint64_t id,
                                  const engine::Request& request) {
  TRY(const auto frame, make_frame(request));
  TRY(const auto engine, admit_question(call, id));
  send(engine, frame, kSendLimit);
  const bool cancels = std::holds_alternative<engine::Embed>(request);
  auto reply = await_reply(call, id, cancels);
  if (reply) return *std::move(reply);
  if (cancels) send_cancel(engine, id);
  if (call.stop.stop_requested()) return Error{Code::Cancelled, "the request was cancelled"};
  return Error{Code::Timeout, "the model did not answer in time"};
}

Result<Client::Engine> Client::admit_question(const Call& call, std::uint64_t id) {
  MutexLock lock(mutex_);
  if (questions_.size() + questions_waiting_ >= kQuestionsMax)
    return Error{Code::Busy, std::to_string(kQuestionsMax) + " requests wait already for model '" +
                                 options_.name + "'"};
  TRY_VOID(await_engine(call));
  questions_[id];
  works_.set_other_requests(questions_.size());
  return engine_;
}

Result<void> Client::await_engine(const Call& call) {
  ++questions_waiting_;
  const auto decided = [this]() REQUIRES(mutex_) { return state_ == State::Ready || !may_wait_; };
  answered_.wait_until(mutex_, call.stop, call.deadline, decided);
  --questions_waiting_;
  if (state_ == State::Ready) return ok();
  if (!may_wait_) return unavailable();
  if (call.stop.stop_requested()) return Error{Code::Cancelled, "the request was cancelled"};
  return Error{Code::Timeout, "the model was not loaded in time"};
}

/// The reply, or nothing if `call` ended first. If it `cancels`, the engine then owes one still.
std::optional<Result<engine::Reply>> Client::await_reply(const Call& call, std::uint64_t id,
                                                         bool cancels) {
  MutexLock lock(mutex_);
  const auto answered = [this, id]() REQUIRES(mutex_) { return questions_[id].reply.has_value(); };
  answered_.wait_until(mutex_, call.stop, call.deadline, answered);
  auto reply = std::move(questions_[id].reply);
  questions_.erase(id);
  works_.set_other_requests(questions_.size());
  if (!reply && cancels) works_.owe(id, time_.now());
  nudge_.request_stop();
  return reply;
}

}  // namespace hearth::model::local
