#include "model/pool/passage.h"

#include <utility>

namespace hearth::model::pool {

Passage::Passage(chat::Request request, std::shared_ptr<EventSink> sink, Clock::time_point accepted,
                 std::function<void()> over)
    : request_(std::move(request)),
      accepted_(accepted),
      over_(std::move(over)),
      delivery_(std::move(sink)) {}

Result<void> Passage::hand_on(Model& model, bool was_accepted) {
  {
    MutexLock lock(mutex_);
    handed_on_ = true;
  }
  auto started = delivery_.closed()
                     ? Result<std::unique_ptr<Generation>>(Error{Code::Cancelled, "was given up"})
                     : model.start(std::move(request_), shared_from_this());
  if (!started.ok()) {
    if (was_accepted) delivery_.close(chat::Event(chat::Failed{started.error()}));
    end();
    return started.error();
  }
  std::unique_ptr<Generation> unwanted;
  {
    MutexLock lock(mutex_);
    // Given up while the model was being asked.
    (delivery_.closed() ? unwanted : generation_) = std::move(started).value();
  }
  if (unwanted) end();
  return ok();
}

bool Passage::give_up(std::optional<chat::Event> last) {
  const bool ended = delivery_.close(std::move(last));
  std::unique_ptr<Generation> generation;
  {
    MutexLock lock(mutex_);
    generation = std::move(generation_);
    if (!generation) return ended;  // not handed on yet, or hand_on() will see it
  }
  generation.reset();
  end();
  return ended;
}

void Passage::on_event(const chat::Event& event) {
  const bool more = delivery_.deliver(event);
  if (chat::is_last(event)) return end();
  if (!more) give_up(std::nullopt);
}

void Passage::end() {
  {
    MutexLock lock(mutex_);
    if (std::exchange(ended_, true)) return;
    if (!handed_on_) return;
  }
  over_();
}

}  // namespace hearth::model::pool
