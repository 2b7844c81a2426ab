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
  const std::uint64_t id = next_id();
  TRY(const auto frame, make_frame(engine::Generate{id, std::move(request)}));
  auto work = std::make_shared<Work>(id, std::move(sink), time_.now());
  TRY(const auto engine, admit(work));
  send(engine, frame, kSendLimit);
  return work;
}

Result<Client::Engine> Client::admit(const WorkPointer& work) {
  MutexLock lock(mutex_);
  if (state_ != State::Ready) return unavailable();
  if (works_.size() >= std::size_t{loaded_->slots} + options_.queue_max) {
    instruments_.refused.add();
    return Error{Code::Busy, std::to_string(options_.queue_max) +
                                 " requests wait already for model '" + options_.name + "'"};
  }
  works_.add(work);
  instruments_.requests.add();
  note_load();
  nudge_.request_stop();
  return engine_;
}

void Client::end(const WorkPointer& work, std::optional<chat::Event> last) {
  Engine engine;
  {
    MutexLock lock(mutex_);
    if (works_.cancel(work->id, time_.now())) engine = engine_;
    note_load();
    nudge_.request_stop();
  }
  if (engine) send_cancel(engine, work->id);
  work->delivery.close(std::move(last));
}

Result<engine::Reply> Client::ask(const Call& call, std::uint64_t id,
                                  const engine::Request& request) {
  TRY(const auto frame, make_frame(request));
  TRY(const auto engine, admit_question(id));
  send(engine, frame, kSendLimit);
  const bool cancels = std::holds_alternative<engine::Embed>(request);
  auto reply = await_reply(call, id, cancels);
  if (reply) return *std::move(reply);
  if (cancels) send_cancel(engine, id);
  if (call.stop.stop_requested()) return Error{Code::Cancelled, "the request was cancelled"};
  return Error{Code::Timeout, "the model did not answer in time"};
}

Result<Client::Engine> Client::admit_question(std::uint64_t id) {
  MutexLock lock(mutex_);
  if (state_ != State::Ready) return unavailable();
  if (questions_.size() >= kQuestionsMax)
    return Error{Code::Busy, std::to_string(kQuestionsMax) + " requests wait already for model '" +
                                 options_.name + "'"};
  questions_[id];
  works_.set_other_requests(questions_.size());
  return engine_;
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
