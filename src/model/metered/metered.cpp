#include "model/metered.h"

#include <utility>

namespace hearth::model {
namespace {

class MeteringSink final : public EventSink {
 public:
  MeteringSink(std::shared_ptr<EventSink> sink, Metering metering, Metered::Told told)
      : sink_(std::move(sink)), metering_(std::move(metering)), told_(std::move(told)) {}

  void on_event(const chat::Event& event) override {
    if (const auto* finished = std::get_if<chat::Finished>(&event)) {
      metering_.usage = finished->usage;
      metering_.timings = finished->timings;
      told_(std::move(metering_));
    }
    sink_->on_event(event);
  }

 private:
  const std::shared_ptr<EventSink> sink_;
  Metering metering_;
  const Metered::Told told_;
};

}  // namespace

Result<std::unique_ptr<Generation>> Metered::start(chat::Request request,
                                                   std::shared_ptr<EventSink> sink) {
  Metering metering{.account = request.account,
                    .session = request.session,
                    .purpose = request.purpose,
                    .model = model_.name()};
  auto metered = std::make_shared<MeteringSink>(std::move(sink), std::move(metering), told_);
  return model_.start(std::move(request), std::move(metered));
}

}  // namespace hearth::model
