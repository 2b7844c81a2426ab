#include <map>

#include "chat/message_json.h"
#include "dialect/anthropic.h"
#include "dialect/anthropic/answer.h"
#include "dialect/parts/lenient.h"

namespace hearth::dialect::anthropic {
namespace {

class EventReader final : public StreamReader {
 private:
  struct Call {
    std::uint32_t number = 0;
    std::string input{};  // as the block's start had it; pieces, where they come, count instead
    bool has_pieces = false;
  };

  void read(const Json& event) override;
  bool is_whole() const override { return has_stop_; }
  void begin_message(const Json& message);
  void begin_block(const Json& event);
  void take_delta(const Json& event);
  void end_block(const Json& event);
  void take_end(const Json& event);

  std::map<std::uint32_t, Call> calls_{};  // that are not over, by the index of their block
  std::size_t blocks_ = 0;
  bool has_stop_ = false;
};

void EventReader::read(const Json& event) {
  const std::string type = text_at(event, "type");
  if (type == "message_start") return begin_message(at(event, "message"));
  if (type == "content_block_start") return begin_block(event);
  if (type == "content_block_delta") return take_delta(event);
  if (type == "content_block_stop") return end_block(event);
  if (type == "message_delta") return take_end(event);
  if (type == "message_stop") return finish();
  if (type == "error") fail(read_error(0, chat::json_text(event)));
  // ping, and what is yet to be invented
}

void EventReader::begin_message(const Json& message) {
  id_ = text_at(message, "id");
  model_ = text_at(message, "model");
  take_usage(at(message, "usage"), usage_);
  start();
}

void EventReader::begin_block(const Json& event) {
  if (++blocks_ > kBlocksMax)
    return fail({Code::Unavailable, "the provider's answer has too many blocks", {}});
  const Json& block = at(event, "content_block");
  const std::string type = text_at(block, "type");
  if (type == "text") return say_text(text_at(block, "text"));
  if (type == "thinking") return say_reasoning(text_at(block, "thinking"));
  const std::uint32_t index = count_at(event, "index");
  if (type != "tool_use")
    return lost_.add(item("content", index), "a block of type " + type + " is left out");
  const Json& input = at(block, "input");
  const bool has_input = input.is_object() && !input.empty();
  calls_[index] = {calls(), has_input ? chat::json_text(input) : "{}"};
  begin_call(text_at(block, "id"), text_at(block, "name"));
}

void EventReader::take_delta(const Json& event) {
  const Json& delta = at(event, "delta");
  const std::string type = text_at(delta, "type");
  const std::string path = item("content", count_at(event, "index"));
  if (type == "text_delta") return say_text(text_at(delta, "text"));
  if (type == "thinking_delta") return say_reasoning(text_at(delta, "thinking"));
  if (type == "signature_delta") return lost_.add(path + ".signature", "is not kept");
  if (type == "citations_delta") return lost_.add(path + ".citations", "are not kept");
  if (type != "input_json_delta") return;
  const auto call = calls_.find(count_at(event, "index"));
  if (call == calls_.end()) return;  // of a tool that the provider runs
  std::string piece = text_at(delta, "partial_json");
  call->second.has_pieces = call->second.has_pieces || !piece.empty();
  say_arguments(call->second.number, std::move(piece));
}

void EventReader::end_block(const Json& event) {
  const auto call = calls_.find(count_at(event, "index"));
  if (call == calls_.end()) return;
  if (!call->second.has_pieces) say_arguments(call->second.number, call->second.input);
  calls_.erase(call);
}

void EventReader::take_end(const Json& event) {
  take_usage(at(event, "usage"), usage_);
  take_stop(at(event, "delta"), finished_, lost_);
  has_stop_ = has_stop_ || !text_at(at(event, "delta"), "stop_reason").empty();
}

}  // namespace

std::unique_ptr<StreamReader> make_stream_reader() { return std::make_unique<EventReader>(); }

}  // namespace hearth::dialect::anthropic
