#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include "api/grpc/library.h"
#include "base/mutex.h"
#include "chat/generation.h"

namespace hearth::api {

class Answering;

/// How an answer ended well.
struct Outcome {
  chat::Usage usage{};
  chat::FinishReason reason = chat::FinishReason::Stop;
  std::string model{};  // that answered
  std::string level{};  // that the router found to be needed; empty: it was not asked
  std::int64_t latency_ms = 0;
};

/// Into the message that ends a call, which is one of several with the same fields.
template <class Message>
void fill_in(const Outcome& outcome, Message& message) {
  message.set_tokens_used(static_cast<std::int32_t>(outcome.usage.completion_tokens));
  message.set_prompt_tokens(static_cast<std::int32_t>(outcome.usage.prompt_tokens));
  message.set_cached_tokens(static_cast<std::int32_t>(outcome.usage.cached_tokens));
  message.set_latency_ms(outcome.latency_ms);
  message.set_model_used(outcome.model);
  message.set_intelligence_level(outcome.level);
  message.set_finish_reason(chat::finish_reason_name(outcome.reason));
}

/// Where one answer goes: a call of gRPC. Any thread; nothing blocks.
class Outlet {
 public:
  virtual ~Outlet() = default;
  /// What the model said. False: the caller takes it too slowly, or is gone, and is given up.
  virtual bool say(const chat::Delta& delta) = 0;
  /// One of these ends the call; whatever comes behind changes nothing.
  virtual void finish(const Outcome& outcome) = 0;
  virtual void fail(const grpc::Status& status) = 0;

  /// Who is told when the caller is gone. Before the call is given to gRPC.
  void attach(std::weak_ptr<Answering> answering) { answering_ = std::move(answering); }

 protected:
  void caller_is_gone();

 private:
  std::weak_ptr<Answering> answering_{};
};

}  // namespace hearth::api
