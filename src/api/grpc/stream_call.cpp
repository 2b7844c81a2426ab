#include "api/grpc/stream_call.h"

#include <algorithm>
#include <utility>

namespace hearth::api {

std::shared_ptr<StreamCall> StreamCall::open(grpc::CallbackServerContext& context,
                                             std::unique_ptr<Calls::Ticket> ticket) {
  auto call = std::make_shared<StreamCall>(context, std::move(ticket));
  call->self_ = call;
  return call;
}

bool StreamCall::say(const chat::Delta& delta) {
  if (delta.content.empty() && delta.reasoning.empty()) return true;
  Chunk chunk;
  chunk.set_text(delta.content);
  chunk.set_reasoning(delta.reasoning);
  const std::size_t bytes = delta.content.size() + delta.reasoning.size();
  bool is_too_much = false;
  {
    MutexLock lock(mutex_);
    if (last_) return false;
    is_too_much = waiting_bytes_ + bytes > kUnsentBytesMax;
    if (!is_too_much) {
      waiting_bytes_ += bytes;
      waiting_.push_back(std::move(chunk));
    }
  }
  if (is_too_much) cut();
  advance();
  return !is_too_much;
}

/// The write that is on its way ends only if the whole call is given up.
void StreamCall::cut() {
  {
    MutexLock lock(mutex_);
    if (last_) return;
    cutting_ = true;
    last_ = grpc::Status(
        grpc::StatusCode::RESOURCE_EXHAUSTED,
        "the stream is read too slowly: " + std::to_string(kUnsentBytesMax) + " bytes wait");
    waiting_.clear();
  }
  context_.TryCancel();
  MutexLock lock(mutex_);
  cutting_ = false;
}

void StreamCall::finish(const Outcome& outcome) {
  Chunk chunk;
  chunk.set_done(true);
  fill_in(outcome, chunk);
  {
    MutexLock lock(mutex_);
    if (last_) return;
    waiting_.push_back(std::move(chunk));
    last_ = grpc::Status::OK;
  }
  advance();
}

void StreamCall::fail(const grpc::Status& status) {
  {
    MutexLock lock(mutex_);
    if (last_) return;
    last_ = status;
  }
  advance();
}

void StreamCall::OnWriteDone(bool ok) {
  {
    MutexLock lock(mutex_);
    busy_ = false;
    if (!ok) {
      waiting_.clear();
      if (!last_) last_ = grpc::Status::CANCELLED;
    }
  }
  if (!ok) caller_is_gone();
  advance();
}

/// Gives the next chunk, or the end, to gRPC, unless a chunk is still on its way.
void StreamCall::advance() {
  std::optional<grpc::Status> end;
  bool writes = false;
  {
    MutexLock lock(mutex_);
    if (busy_ || cutting_ || finished_) return;
    writes = !waiting_.empty();
    if (writes) {
      current_ = std::move(waiting_.front());
      waiting_.pop_front();
      waiting_bytes_ -=
          std::min(waiting_bytes_, current_.text().size() + current_.reasoning().size());
    }
    if (waiting_.empty() && last_) end = last_;
    if (!writes && !end) return;
    // A failure waits for the last chunk's end; a good one goes with it, in one piece.
    if (writes && end && !end->ok()) end.reset();
    busy_ = true;
    finished_ = end.has_value();
    if (end) ticket_->note(end->error_code());
  }
  if (writes && end) return StartWriteAndFinish(&current_, grpc::WriteOptions(), *end);
  if (writes) return StartWrite(&current_);
  Finish(*end);
}

void StreamCall::OnDone() {
  const std::shared_ptr<StreamCall> last = std::move(self_);  // outlives the lock
  MutexLock lock(mutex_);
  ticket_.reset();
}

}  // namespace hearth::api
