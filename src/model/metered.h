#pragma once
#include <functional>
#include <optional>
#include <string>

#include "base/time_source.h"
#include "chat/purpose.h"
#include "model/forwarding.h"

namespace hearth::model {

/// What became of one question, and what that took. Nothing that was said.
struct Metering {
  std::uint64_t account = 0;
  std::string session{};
  chat::Purpose purpose = chat::Purpose::Chat;
  std::string provider{};  // "local": of this machine
  std::string model{};
  bool is_paid = false;  // it is in the ledger already
  std::optional<chat::Route> route{};
  std::optional<Code> failed{};  // absent: it was answered
  chat::FinishReason reason = chat::FinishReason::Stop;
  chat::Usage usage{};
  chat::Timings timings{};
  std::uint32_t tool_calls = 0;
  std::int64_t cost_micro = 0;
  Millis took{0};  // from the question to the last word
};

/// Whose model is metered.
struct MeteredAs {
  std::string provider = "local";
  bool is_paid = false;
};

/// Another model, of whose answers somebody is told what they took when they have ended, well or
/// not; those that were refused at once or whose asker let go of them tell nothing. It is that
/// model in everything else. Any thread.
class Metered final : public Forwarding {
 public:
  /// `told` is called on the model's threads and must not block; `model` and `time` outlive this.
  using Told = std::function<void(Metering)>;
  Metered(Model& model, const TimeSource& time, Told told, MeteredAs as = {})
      : Forwarding(model), time_(time), told_(std::move(told)), as_(std::move(as)) {}

  Result<std::unique_ptr<Generation>> start(chat::Request request,
                                            std::shared_ptr<EventSink> sink) override;

 private:
  const TimeSource& time_;
  const Told told_;
  const MeteredAs as_;
};

}  // namespace hearth::model
