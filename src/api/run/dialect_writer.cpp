#include "api/run/dialect_writer.h"

#include <utility>

#include "api/openai/form.h"
#include "api/run/lost_header.h"

namespace hearth::api {
namespace {

/// Schemas that are not enforced are lost too, in their way.
dialect::Lost lost_of(const Choice& choice, const dialect::Lost& request) {
  dialect::Lost lost = request;
  for (const std::string& line : choice.started.loosened) {
    const auto colon = line.find(": ");
    const bool has_place = colon != std::string::npos;
    lost.add(line.substr(0, colon), has_place ? line.substr(colon + 2) : "is not enforced");
  }
  return lost;
}

}  // namespace

DialectWriter::DialectWriter(DialectForm form) : form_(std::move(form)) {}

void DialectWriter::start(const chat::Started& started) {
  if (started.route) form_.model = started.route->model;
}

dialect::Answer DialectWriter::answer_of(const Choice& choice) const {
  return {.id = form_.id,
          .model = form_.model,
          .message = choice.message,
          .finished = *choice.finished};
}

net::Response DialectWriter::whole(const std::vector<Choice>& choices) {
  const Choice& choice = choices.front();
  auto wrote = form_.whole(answer_of(choice));
  if (choice.started.route) wrote.what["x_hearth"]["route"] = route_json(*choice.started.route);
  dialect::Lost lost = lost_of(choice, form_.lost);
  lost.add_all(wrote.lost);
  net::Response response{200, dump(wrote.what), {{"Content-Type", "application/json"}}};
  add_lost(response.headers, lost);
  return response;
}

net::Response DialectWriter::refusal(const Error& error) {
  return error_response(model_error(error, form_.input_field), form_.face);
}

net::Headers DialectWriter::stream_headers() const {
  net::Headers headers = form_.stream_headers;
  add_lost(headers, form_.lost);
  return headers;
}

std::string DialectWriter::text_of(const std::vector<dialect::Frame>& frames) const {
  std::string text;
  for (const dialect::Frame& frame : frames) text += form_.frame_text(frame);
  return text;
}

std::string DialectWriter::opening(const Choice& choice, const chat::Delta*) {
  stream_ = form_.stream(form_.model);
  return text_of(stream_->write(choice.started));
}

std::string DialectWriter::piece(const Choice&, const chat::Delta& delta) {
  return text_of(stream_->write(delta));
}

std::string DialectWriter::closing(const Choice& choice, const std::vector<Choice>&) {
  auto frames = stream_->write(*choice.finished);
  dialect::Lost lost = lost_of(choice, {});
  lost.add_all(stream_->lost());
  Json& last = frames.back().data;
  if (choice.started.route) last["x_hearth"]["route"] = route_json(*choice.started.route);
  if (!lost.empty()) last["x_hearth"]["lost"] = lost.lines();
  return text_of(frames);
}

std::string DialectWriter::breakage(const Error& error) {
  return text_of(stream_->write(chat::Failed{error}));
}

}  // namespace hearth::api
