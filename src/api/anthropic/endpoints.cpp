#include "api/anthropic/endpoints.h"

#include <optional>
#include <utility>

#include "api/run/dialect_writer.h"
#include "api/run/run.h"
#include "base/random.h"
#include "dialect/anthropic.h"

namespace hearth::api::anthropic {
namespace {

namespace dialect = hearth::dialect::anthropic;
using dialect::Endpoint;
using dialect::Thinking;

/// A checked request, and the model that it names.
struct Addressed {
  hearth::dialect::Carried<hearth::dialect::Ask> read;
  model::Model* model = nullptr;
  Thinking thinking = Thinking::Dropped;
};

/// Who has not asked to see thoughts may take the first block for the answer.
Thinking thinking_of(const Json& body) {
  const auto thinking = body.find("thinking");
  if (thinking == body.end() || !thinking->is_object()) return Thinking::Dropped;
  const auto type = thinking->find("type");
  const bool is_off = type == thinking->end() || *type == "disabled";
  return is_off ? Thinking::Dropped : Thinking::Shown;
}

/// Answers the exchange itself when it gives nothing.
std::optional<Addressed> address(const Workplace& with, const net::Request& request,
                                 Endpoint endpoint, std::uint64_t account,
                                 net::Exchange& exchange) {
  const auto refuse = [&](const HttpError& error) {
    answer(exchange, error, Face::Anthropic);
    return std::nullopt;
  };
  const auto body = parse_json(request.body, "body");
  if (!body.ok()) return refuse(http_error(body.error()));
  auto read = dialect::read_request(body.value(), endpoint);
  if (!read.ok()) return refuse(http_error(read.error()));
  Addressed out{.read = std::move(read).value(), .thinking = thinking_of(body.value())};
  const std::string& name = out.read.what.model;
  out.model = with.parts.models.find(name);
  if (!out.model) return refuse(no_such_model(name, with.parts.models));
  out.read.what.request.account = account;
  out.read.what.request.cache.provider_marks = out.read.what.cache_behind;
  return out;
}

void start(Workplace& with, std::unique_ptr<Writer> writer, Addressed addressed,
           const ExchangePtr& exchange) {
  RunPlan plan;
  plan.writer = std::move(writer);
  plan.stream = addressed.read.what.stream;
  plan.requests.push_back(std::move(addressed.read.what.request));
  plan.choices.emplace_back();
  std::make_shared<Run>(std::move(plan), exchange, with.runs)->start(*addressed.model);
}

}  // namespace

void messages(Workplace& with, const net::Request& request, std::uint64_t account,
              const ExchangePtr& exchange) {
  auto addressed = address(with, request, Endpoint::Messages, account, *exchange);
  if (!addressed) return;
  const Thinking thinking = addressed->thinking;
  DialectForm form;
  form.id = random_id("msg_");
  form.model = addressed->model->name();
  form.face = Face::Anthropic;
  form.lost = addressed->read.lost;
  form.stream = [id = form.id, thinking](const std::string& model) {
    return dialect::make_stream_writer(id, model, thinking);
  };
  form.whole = [thinking](const hearth::dialect::Answer& answer) {
    return dialect::write_answer(answer, thinking);
  };
  start(with, std::make_unique<DialectWriter>(std::move(form)), std::move(*addressed), exchange);
}

void count_tokens(Workplace& with, const net::Request& request, std::uint64_t account,
                  const ExchangePtr& exchange) {
  auto addressed = address(with, request, Endpoint::CountTokens, account, *exchange);
  if (!addressed) return;
  addressed->read.what.stream = false;
  DialectForm form;
  form.face = Face::Anthropic;
  form.lost = addressed->read.lost;
  form.whole = [](const hearth::dialect::Answer& answer) {
    return hearth::dialect::Carried<Json>{
        dialect::write_count(answer.finished.usage.prompt_tokens)};
  };
  start(with, std::make_unique<DialectWriter>(std::move(form)), std::move(*addressed), exchange);
}

}  // namespace hearth::api::anthropic
