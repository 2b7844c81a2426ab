#include <utility>

#include "dialect/anthropic.h"
#include "dialect/anthropic/answer.h"
#include "dialect/parts/told.h"

namespace hearth::dialect::anthropic {
namespace {

class EventWriter final : public StreamWriter {
 public:
  EventWriter(std::string id, std::string model, Thinking thinking)
      : id_(std::move(id)), model_(std::move(model)), thinking_(thinking) {}

 private:
  enum class Block : std::uint8_t { None, Text, Thinking, Call };

  void start(const chat::Started& started) override;
  void text(const std::string& piece) override;
  void reasoning(const std::string& piece) override;
  void call(const chat::ToolCallDelta& piece, bool is_new) override;
  void finish(const chat::Finished& finished) override;
  void fail(const Error& error) override { put("error", write_error(error)); }

  void open(Block kind, Json block);
  void close();
  void put_delta(Json delta);

  const std::string id_, model_;
  const Thinking thinking_;
  Block block_ = Block::None;
  std::uint32_t index_ = 0;  // of the block that is open, or of the next
};

void EventWriter::start(const chat::Started& started) {
  const chat::Usage usage{.prompt_tokens = started.prompt_tokens,
                          .cached_tokens = started.cached_tokens};
  Json message = {{"id", id_},
                  {"type", "message"},
                  {"role", "assistant"},
                  {"model", model_},
                  {"content", Json::array()},
                  {"stop_reason", nullptr},
                  {"stop_sequence", nullptr},
                  {"usage", usage_json(usage)}};
  put("message_start", {{"type", "message_start"}, {"message", std::move(message)}});
}

void EventWriter::open(Block kind, Json block) {
  close();
  block_ = kind;
  put("content_block_start",
      {{"type", "content_block_start"}, {"index", index_}, {"content_block", std::move(block)}});
}

void EventWriter::close() {
  if (block_ == Block::None) return;
  block_ = Block::None;
  put("content_block_stop", {{"type", "content_block_stop"}, {"index", index_++}});
}

void EventWriter::put_delta(Json delta) {
  put("content_block_delta",
      {{"type", "content_block_delta"}, {"index", index_}, {"delta", std::move(delta)}});
}

void EventWriter::text(const std::string& piece) {
  if (block_ != Block::Text) open(Block::Text, {{"type", "text"}, {"text", ""}});
  put_delta({{"type", "text_delta"}, {"text", piece}});
}

void EventWriter::reasoning(const std::string& piece) {
  if (thinking_ == Thinking::Dropped) return lost_.add("reasoning", "is not shown");
  if (block_ != Block::Thinking)
    open(Block::Thinking, {{"type", "thinking"}, {"thinking", ""}, {"signature", ""}});
  put_delta({{"type", "thinking_delta"}, {"thinking", piece}});
}

void EventWriter::call(const chat::ToolCallDelta& piece, bool is_new) {
  if (is_new)
    open(Block::Call, {{"type", "tool_use"},
                       {"id", plain_call_id(piece.id)},
                       {"name", piece.name},
                       {"input", Json::object()}});
  if (!piece.arguments.empty())
    put_delta({{"type", "input_json_delta"}, {"partial_json", piece.arguments}});
}

void EventWriter::finish(const chat::Finished& finished) {
  close();
  put("message_delta",
      {{"type", "message_delta"},
       {"delta",
        {{"stop_reason", stop_reason_of(finished)}, {"stop_sequence", stop_sequence_of(finished)}}},
       {"usage", usage_json(finished.usage)}});
  put("message_stop", {{"type", "message_stop"}});
}

}  // namespace

std::unique_ptr<StreamWriter> make_stream_writer(std::string id, std::string model,
                                                 Thinking thinking) {
  return std::make_unique<EventWriter>(std::move(id), std::move(model), thinking);
}

Frame ping() { return {"ping", {{"type", "ping"}}}; }

}  // namespace hearth::dialect::anthropic
