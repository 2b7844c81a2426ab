#include <utility>

#include "dialect/responses.h"
#include "dialect/responses/answer.h"

namespace hearth::dialect::responses {
namespace {

class ResponseWriter final : public StreamWriter {
 public:
  explicit ResponseWriter(Header header) : header_(std::move(header)) {}

 private:
  enum class Open : std::uint8_t { None, Message, Thoughts, Call };

  void start(const chat::Started&) override;
  void text(const std::string& piece) override;
  void reasoning(const std::string& piece) override;
  void call(const chat::ToolCallDelta& piece, bool is_new) override;
  void finish(const chat::Finished& finished) override;
  void fail(const Error& error) override;

  void open(Open kind, const char* id_kind);
  void close(std::string_view status);
  void close_message(std::string_view status);
  void close_thoughts();
  void close_call();
  /// One event, numbered; `more` are its own fields.
  void say(const char* type, Json more);
  /// One about the item that is open.
  void say_of_item(const char* type, Json more);

  const Header header_;
  Json output_ = Json::array();  // the items that are over
  Open open_ = Open::None;
  std::string item_{};  // the id of the one that is open
  std::string said_{};  // its text so far
  chat::ToolCall call_{};
  std::uint64_t sequence_ = 0;
};

void ResponseWriter::say(const char* type, Json more) {
  Json event = {{"type", type}, {"sequence_number", sequence_++}};
  event.update(more);
  put(type, std::move(event));
}

void ResponseWriter::say_of_item(const char* type, Json more) {
  Json event = {{"item_id", item_}, {"output_index", output_.size()}};
  event.update(more);
  say(type, std::move(event));
}

void ResponseWriter::start(const chat::Started&) {
  const Json response = response_json(header_, "in_progress", Json::array());
  say("response.created", {{"response", response}});
  say("response.in_progress", {{"response", response}});
}

void ResponseWriter::open(Open kind, const char* id_kind) {
  close("completed");
  open_ = kind;
  item_ = item_id(id_kind, header_, output_.size());
  Json item;
  if (kind == Open::Message) item = message_item(item_, "in_progress", Json::array());
  if (kind == Open::Thoughts) item = thoughts_item(item_, "");
  if (kind == Open::Call) item = call_item(item_, "in_progress", call_);
  say("response.output_item.added", {{"output_index", output_.size()}, {"item", std::move(item)}});
}

void ResponseWriter::text(const std::string& piece) {
  if (open_ != Open::Message) {
    open(Open::Message, "msg");
    say_of_item("response.content_part.added", {{"content_index", 0}, {"part", text_part("")}});
  }
  said_ += piece;
  say_of_item("response.output_text.delta",
              {{"content_index", 0}, {"delta", piece}, {"logprobs", Json::array()}});
}

void ResponseWriter::reasoning(const std::string& piece) {
  if (open_ != Open::Thoughts) {
    open(Open::Thoughts, "rs");
    say_of_item("response.reasoning_summary_part.added",
                {{"summary_index", 0}, {"part", {{"type", "summary_text"}, {"text", ""}}}});
  }
  said_ += piece;
  say_of_item("response.reasoning_summary_text.delta", {{"summary_index", 0}, {"delta", piece}});
}

void ResponseWriter::call(const chat::ToolCallDelta& piece, bool is_new) {
  if (is_new) {
    close("completed");
    call_ = {piece.id, piece.name, ""};
    open(Open::Call, "fc");
  }
  call_.arguments += piece.arguments;
  if (!piece.arguments.empty())
    say_of_item("response.function_call_arguments.delta", {{"delta", piece.arguments}});
}

void ResponseWriter::close(std::string_view status) {
  switch (std::exchange(open_, Open::None)) {
    case Open::None: return;
    case Open::Message: close_message(status); break;
    case Open::Thoughts: close_thoughts(); break;
    case Open::Call: close_call(); break;
  }
  said_.clear();
  const std::size_t index = output_.size() - 1;
  say("response.output_item.done", {{"output_index", index}, {"item", output_[index]}});
}

void ResponseWriter::close_message(std::string_view status) {
  const Json part = text_part(said_);
  say_of_item("response.output_text.done",
              {{"content_index", 0}, {"text", said_}, {"logprobs", Json::array()}});
  say_of_item("response.content_part.done", {{"content_index", 0}, {"part", part}});
  output_.push_back(message_item(item_, status, Json::array({part})));
}

void ResponseWriter::close_thoughts() {
  say_of_item("response.reasoning_summary_text.done", {{"summary_index", 0}, {"text", said_}});
  say_of_item("response.reasoning_summary_part.done",
              {{"summary_index", 0}, {"part", {{"type", "summary_text"}, {"text", said_}}}});
  output_.push_back(thoughts_item(item_, said_));
}

void ResponseWriter::close_call() {
  say_of_item("response.function_call_arguments.done",
              {{"name", call_.name}, {"arguments", call_.arguments}});
  output_.push_back(call_item(item_, "completed", call_));
}

void ResponseWriter::finish(const chat::Finished& finished) {
  const std::string status = status_of(finished);
  // As in the whole: an answer that says nothing is an empty message.
  const bool is_silent = open_ == Open::None || open_ == Open::Thoughts;
  if (is_silent && (output_.empty() || open_ == Open::Thoughts)) {
    open(Open::Message, "msg");
    say_of_item("response.content_part.added", {{"content_index", 0}, {"part", text_part("")}});
  }
  close(status);
  if (!finished.stop_string.empty())
    lost_.add("stop_string", "which one ended it cannot be said here");
  const std::string type = "response." + status;
  say(type.c_str(), {{"response", finished_json(header_, finished, output_)}});
}

void ResponseWriter::fail(const Error& error) {
  Json response = write_failed(header_, error);
  response["output"] = output_;
  say("response.failed", {{"response", std::move(response)}});
}

}  // namespace

std::unique_ptr<StreamWriter> make_stream_writer(Header header) {
  return std::make_unique<ResponseWriter>(std::move(header));
}

}  // namespace hearth::dialect::responses
