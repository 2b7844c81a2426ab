#include "engine/runtime/outbox.h"

#include "base/log.h"

namespace hearth::engine {
namespace {
constexpr Millis kIdle{3'600'000};  // a pop that found nothing by then is simply repeated
}

Outbox::Outbox(process::FrameChannel& channel) : channel_(channel), writer_([this] { run(); }) {}

Outbox::~Outbox() { replies_.close(); }  // the thread drains the queue and is joined

void Outbox::post(Reply reply) {
  const auto posted = replies_.push(Call::within(kStalledMax), std::move(reply));
  if (!posted.ok()) channel_.shut_down();
}

void Outbox::run() {
  for (;;) {
    auto next = replies_.pop(Call::within(kIdle));
    if (!next.ok()) continue;
    if (!next.value()) return;
    Encoded encoded = encode(*next.value());
    const process::Frame frame{
        .version = kProtocolVersion, .type = encoded.type, .payload = std::move(encoded.payload)};
    const auto sent = channel_.send(Call::within(kStalledMax), frame);
    if (sent.ok()) continue;
    log::warn("a reply could not be sent: {}", sent.error().message);
    channel_.shut_down();
    replies_.close();
    return;
  }
}

}  // namespace hearth::engine
