#pragma once
#include <functional>
#include <memory>
#include <string>

#include "api/http/errors.h"
#include "api/run/writer.h"
#include "dialect/exchange.h"
#include "dialect/stream.h"

namespace hearth::api {

/// What a dialect has its own of.
struct DialectForm {
  std::string id{};     // of the answer
  std::string model{};  // that was named
  /// `model`: that answers.
  std::function<std::unique_ptr<dialect::StreamWriter>(const std::string& model)> stream{};
  std::function<dialect::Carried<Json>(const dialect::Answer&)> whole{};
  std::function<std::string(const dialect::Frame&)> frame_text = dialect::event_text;
  net::Headers stream_headers = event_stream_headers();
  Face face = Face::OpenAi;
  const char* input_field = "messages";  // named when the prompt does not fit
  dialect::Lost lost{};                  // of the request
  bool needs_messages = false;           // see Writer
};

/// Writes an answer as a dialect of src/dialect does; of several choices there is one. What the
/// request lost is in a header (lost_header.h), with what a whole answer lost; what a stream lost
/// stands in the last of its objects as x_hearth.lost. There is also x_hearth.route, as in OpenAI's
/// answers.
class DialectWriter : public Writer {
 public:
  explicit DialectWriter(DialectForm form);

  void start(const chat::Started& started) override;
  bool needs_messages() const override { return form_.needs_messages; }
  net::Response whole(const std::vector<Choice>& choices) override;
  net::Response refusal(const Error& error) override;
  net::Headers stream_headers() const override;
  std::string opening(const Choice& choice, const chat::Delta* first) override;
  std::string piece(const Choice& choice, const chat::Delta& delta) override;
  std::string closing(const Choice& choice, const std::vector<Choice>& choices) override;
  std::string ending(const std::vector<Choice>&) override { return ""; }
  std::string breakage(const Error& error) override;

 protected:
  dialect::Answer answer_of(const Choice& choice) const;

 private:
  std::string text_of(const std::vector<dialect::Frame>& frames) const;

  DialectForm form_;
  std::unique_ptr<dialect::StreamWriter> stream_{};
};

}  // namespace hearth::api
