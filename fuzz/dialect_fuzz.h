// What holds for whatever a dialect's parser accepts.
#pragma once
#include <cstdlib>
#include <string_view>

#include "base/utf8.h"
#include "chat/message_json.h"
#include "dialect/stream.h"

inline void fuzz_require(bool holds) {
  if (!holds) std::abort();
}

inline void check_lost(const hearth::dialect::Lost& lost) {
  fuzz_require(lost.lines().size() <= hearth::dialect::kLostMax);
  for (const std::string& line : lost.lines())
    fuzz_require(line.size() <= hearth::dialect::kLostBytesMax && hearth::is_utf8(line));
}

inline void check_message(const hearth::chat::Message& message) {
  fuzz_require(message.tool_calls.size() <= hearth::chat::kToolsMax);
  fuzz_require(message.images.size() <= hearth::chat::kImagesMax);
  for (const hearth::chat::Image& image : message.images)
    fuzz_require(hearth::chat::check_image(image, "image").ok() &&
                 image.at <= message.content.size());
}

inline void check_ask(const hearth::Result<hearth::dialect::Carried<hearth::dialect::Ask>>& got) {
  using namespace hearth::chat;
  if (!got.ok()) return fuzz_require(!got.error().message.empty());
  check_lost(got.value().lost);
  const Request& request = got.value().what.request;
  const Sampling& sampling = request.sampling;
  fuzz_require(sampling.temperature >= 0 && sampling.temperature <= 2);
  fuzz_require(sampling.top_k >= 0 && sampling.top_p > 0 && sampling.top_p <= 1);
  fuzz_require(request.stop.size() <= kStopMax && request.format.source.size() <= kSchemaBytesMax);
  const auto* const talk = std::get_if<Conversation>(&request.prompt);
  if (!talk) return;
  fuzz_require(!talk->messages.empty() && talk->messages.size() <= kMessagesMax + 1);
  fuzz_require(talk->tools.size() <= kToolsMax);
  for (const Message& message : talk->messages) check_message(message);
}

inline void check_answer(
    const hearth::Result<hearth::dialect::Carried<hearth::dialect::Answer>>& got) {
  if (!got.ok()) return fuzz_require(!got.error().message.empty());
  check_lost(got.value().lost);
  check_message(got.value().what.message);
}

/// Each line as an event: one last event, and what is read can be put together and written.
inline void check_stream(hearth::dialect::StreamReader& reader,
                         hearth::dialect::StreamWriter& writer, std::string_view text) {
  std::size_t last_events = 0;
  hearth::chat::Message message{hearth::chat::Role::Assistant, {}};
  const auto take = [&](const std::vector<hearth::chat::Event>& events) {
    for (const auto& event : events) {
      last_events += hearth::chat::is_last(event) ? 1 : 0;
      if (const auto* const delta = std::get_if<hearth::chat::Delta>(&event))
        fuzz_require(hearth::chat::absorb(message, *delta));
      for (const auto& frame : writer.write(event)) fuzz_require(!event_text(frame).empty());
    }
  };
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    take(reader.take(text.substr(begin, end - begin)));
    begin = end + 1;
  }
  take(reader.end());
  fuzz_require(last_events == 1);
  check_message(message);
  check_lost(reader.lost());
}
