#include "model/metered.h"

#include <algorithm>
#include <utility>

namespace hearth::model {
namespace {

class MeteringSink final : public EventSink {
 public:
  MeteringSink(std::shared_ptr<EventSink> sink, Metering metering, const TimeSource& time,
               Metered::Told told)
      : sink_(std::move(sink)),
        metering_(std::move(metering)),
        time_(time),
        told_(std::move(told)),
        began_(time.now()) {}

  void on_event(const chat::Event& event) override {
    if (const auto* delta = std::get_if<chat::Delta>(&event))
      for (const auto& call : delta->tool_calls)
        metering_.tool_calls = std::max(metering_.tool_calls, call.index + 1);
    if (const auto* finished = std::get_if<chat::Finished>(&event)) {
      metering_.reason = finished->reason;
      metering_.usage = finished->usage;
      metering_.timings = finished->timings;
      metering_.cost_micro = finished->cost_micro;
    }
    if (const auto* failed = std::get_if<chat::Failed>(&event)) {
      metering_.failed = failed->error.code;
      metering_.usage = failed->charged.value_or(chat::Usage{});
      metering_.cost_micro = failed->cost_micro;
    }
    if (chat::is_last(event)) tell();
    sink_->on_event(event);
  }

 private:
  void tell() {
    metering_.took = std::chrono::duration_cast<Millis>(time_.now() - began_);
    told_(std::move(metering_));
  }

  const std::shared_ptr<EventSink> sink_;
  Metering metering_;
  const TimeSource& time_;
  const Metered::Told told_;
  const Clock::time_point began_;
};

}  // namespace

Result<std::unique_ptr<Generation>> Metered::start(chat::Request request,
                                                   std::shared_ptr<EventSink> sink) {
  Metering metering{.account = request.account,
                    .session = request.session,
                    .purpose = request.purpose,
                    .provider = as_.provider,
                    .model = model_.name(),
                    .is_paid = as_.is_paid,
                    .route = request.route};
  auto metered = std::make_shared<MeteringSink>(std::move(sink), std::move(metering), time_, told_);
  return model_.start(std::move(request), std::move(metered));
}

}  // namespace hearth::model
