#pragma once
#include <functional>
#include <string>

#include "chat/purpose.h"
#include "model/forwarding.h"

namespace hearth::model {

/// What one answer took, for the ledger.
struct Metering {
  std::uint64_t account = 0;
  std::string session{};
  chat::Purpose purpose = chat::Purpose::Chat;
  std::string model{};
  chat::Usage usage{};
  chat::Timings timings{};
};

/// Another model, of whose answers it is told what they took when they have ended; those that fail
/// or are given up tell nothing. It is that model in everything else. Any thread.
class Metered final : public Forwarding {
 public:
  /// `told` is called on the model's threads and must not block; `model` outlives this.
  using Told = std::function<void(Metering)>;
  Metered(Model& model, Told told) : Forwarding(model), told_(std::move(told)) {}

  Result<std::unique_ptr<Generation>> start(chat::Request request,
                                            std::shared_ptr<EventSink> sink) override;

 private:
  const Told told_;
};

}  // namespace hearth::model
