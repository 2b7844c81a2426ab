#include "api/openai/writer.h"

#include <utility>

#include "api/http/errors.h"

namespace hearth::api {
namespace {

class OpenAiWriter final : public Writer {
 public:
  OpenAiWriter(std::unique_ptr<Form> form, const char* input_field)
      : form_(std::move(form)), input_field_(input_field) {}

  void start(const chat::Started& started) override {
    if (started.route) form_->answered_by(started.route->model);
  }

  net::Response whole(const std::vector<Choice>& choices) override {
    Json body = form_->whole(choices);
    if (choices.size() == 1) body["timings"] = timings_json(*choices.front().finished);
    return {200, dump(body), {{"Content-Type", "application/json"}}};
  }
  net::Response refusal(const Error& error) override {
    return error_response(model_error(error, input_field_));
  }

  net::Headers stream_headers() const override { return event_stream_headers(); }
  std::string opening(const Choice& choice, const chat::Delta* first) override {
    const auto chunk = form_->opening(choice, first);
    return chunk ? sse_event(*chunk) : "";
  }
  std::string piece(const Choice& choice, const chat::Delta& delta) override {
    return sse_event(form_->chunk(choice, delta));
  }
  std::string closing(const Choice& choice, const std::vector<Choice>& choices) override {
    Json chunk = form_->closing(choice);
    if (choices.size() == 1 && !form_->include_usage())
      chunk["timings"] = timings_json(*choice.finished);
    return sse_event(chunk);
  }
  std::string ending(const std::vector<Choice>& choices) override;
  /// No [DONE], so that SDKs raise.
  std::string breakage(const Error& error) override {
    return "data: " + envelope(model_error(error, input_field_)) + "\n\n";
  }

 private:
  const std::unique_ptr<Form> form_;
  const char* const input_field_;
};

std::string OpenAiWriter::ending(const std::vector<Choice>& choices) {
  constexpr const char* kDone = "data: [DONE]\n\n";
  if (!form_->include_usage()) return kDone;
  Json chunk = form_->usage_chunk(choices);
  if (choices.size() == 1) chunk["timings"] = timings_json(*choices.front().finished);
  return sse_event(chunk) + kDone;
}

}  // namespace

std::unique_ptr<Writer> make_openai_writer(std::unique_ptr<Form> form, const char* input_field) {
  return std::make_unique<OpenAiWriter>(std::move(form), input_field);
}

}  // namespace hearth::api
