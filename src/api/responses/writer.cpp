#include "api/responses/writer.h"

#include <utility>

#include "api/openai/form.h"
#include "base/log.h"

namespace hearth::api::responses {
namespace {

namespace dialect = hearth::dialect::responses;
using State = store::Response::State;

DialectForm form_of(const Making& making) {
  DialectForm form;
  form.id = making.header.id;
  form.model = making.header.model;
  form.input_field = "input";
  form.lost = making.lost;
  form.needs_messages = true;
  const auto header_for = [header = making.header](const std::string& model) {
    dialect::Header own = header;
    own.model = model;
    return own;
  };
  form.stream = [header_for](const std::string& model) {
    return dialect::make_stream_writer(header_for(model));
  };
  form.whole = [header_for](const hearth::dialect::Answer& answer) {
    return dialect::write_answer(header_for(answer.model), answer);
  };
  return form;
}

class ResponseWriter final : public DialectWriter {
 public:
  ResponseWriter(Workplace& with, Making making, std::shared_ptr<HeldExchange> exchange)
      : DialectWriter(form_of(making)),
        with_(with),
        making_(std::move(making)),
        exchange_(std::move(exchange)) {}

  void start(const chat::Started& started) override {
    DialectWriter::start(started);
    if (is_background()) with_.background.note_started(making_.header.id);
  }
  net::Response whole(const std::vector<Choice>& choices) override {
    keep(choices.front());
    return DialectWriter::whole(choices);
  }
  net::Response refusal(const Error& error) override {
    break_off(error);
    return DialectWriter::refusal(error);
  }
  std::string closing(const Choice& choice, const std::vector<Choice>& choices) override {
    keep(choice);
    return DialectWriter::closing(choice, choices);
  }
  std::string breakage(const Error& error) override {
    break_off(error);
    return DialectWriter::breakage(error);
  }

 private:
  bool is_background() const { return making_.header.delivery.background; }
  void keep(const Choice& choice);
  void break_off(const Error& error);
  void hold(std::function<Result<void>(store::Responses&, const Call&)> write);

  Workplace& with_;
  Making making_;
  const std::shared_ptr<HeldExchange> exchange_;
};

void ResponseWriter::keep(const Choice& choice) {
  if (!making_.is_kept) return;
  const hearth::dialect::Answer answer = answer_of(choice);
  dialect::Header header = making_.header;
  header.model = answer.model;
  store::ResponseEnd end = making_.end;
  end.response.body = dump(dialect::write_answer(header, answer).what);
  end.entries = making_.asked.entries;
  end.entries.push_back(
      entry_of(answer.message, answer.finished.trace, making_.asked, answer.model));
  hold([end = std::move(end)](store::Responses& responses, const Call& call) -> Result<void> {
    TRY_VOID(responses.finish(call, end));
    return ok();
  });
}

/// One that nobody waits for is to be found as failed; of others nothing is known yet.
void ResponseWriter::break_off(const Error& error) {
  if (!is_background()) return;
  const bool is_cancelled = error.code == Code::Cancelled;
  const Json body = is_cancelled ? dialect::write_state(making_.header, "cancelled")
                                 : dialect::write_failed(making_.header, error);
  hold([id = making_.header.id, state = is_cancelled ? State::Cancelled : State::Failed,
        text = dump(body)](store::Responses& responses, const Call& call) {
    return responses.break_off(call, id, state, text);
  });
}

/// One that was cancelled or deleted is no Running one any more: its end interests nobody.
void ResponseWriter::hold(std::function<Result<void>(store::Responses&, const Call&)> write) {
  exchange_->hold([&with = with_, id = making_.header.id, is_background = is_background(),
                   write = std::move(write)]() -> Result<void> {
    store::Responses responses(*with.parts.store, with.parts.time);
    const auto written = write(responses, Call::within(kStoreTimeout));
    if (is_background) with.background.remove(id);
    if (!written.ok() && written.error().code != Code::NotFound)
      log::error("response {} is not kept: {}", id, written.error().message);
    return written;
  });
}

}  // namespace

std::unique_ptr<Writer> make_writer(Workplace& with, Making making,
                                    std::shared_ptr<HeldExchange> exchange) {
  return std::make_unique<ResponseWriter>(with, std::move(making), std::move(exchange));
}

}  // namespace hearth::api::responses
