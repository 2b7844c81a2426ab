#include "api/ollama/endpoints.h"

#include <optional>
#include <utility>

#include "api/ollama/embed.h"
#include "api/ollama/models.h"
#include "api/run/dialect_writer.h"
#include "api/run/lost_header.h"
#include "api/run/run.h"
#include "base/random.h"

namespace hearth::api::ollama {
namespace {

namespace dialect = hearth::dialect::ollama;

constexpr const char* kLines = "application/x-ndjson";

/// One request, on its way.
struct Visit {
  Workplace& with;
  const net::Request& request;
  const Route& route;
  std::uint64_t account;
  const ExchangePtr& exchange;
  void refuse(const HttpError& error) const { answer(*exchange, error, Face::Ollama); }
};

dialect::Header header_of(const Workplace& with, std::string model) {
  return {.model = std::move(model), .created_ms = unix_time<Millis>(with.parts.time)};
}

DialectForm form_of(const Visit& visit, const hearth::dialect::Carried<dialect::Request>& read,
                    dialect::Endpoint endpoint) {
  const dialect::Header header = header_of(visit.with, read.what.ask.model);
  DialectForm form;
  form.model = header.model;
  form.face = Face::Ollama;
  form.input_field = endpoint == dialect::Endpoint::Chat ? "messages" : "prompt";
  form.lost = read.lost;
  if (read.what.keep_alive_s) form.lost.add("keep_alive", "models stay loaded as configured");
  form.frame_text = hearth::dialect::line_text;
  form.stream_headers = {{"Content-Type", kLines}, {"Cache-Control", "no-cache"}};
  form.stream = [header, endpoint](const std::string&) {
    return dialect::make_stream_writer(header, endpoint);
  };
  form.whole = [header, endpoint](const hearth::dialect::Answer& answer) {
    return dialect::write_answer(header, answer, endpoint);
  };
  return form;
}

/// Orders it, and waits until a model that is to be there is.
Result<void> order(const Workplace& with, model::Model& model, bool loaded,
                   const net::Exchange& exchange) {
  if (!loaded) return model.unload();
  auto ordered = model.load();
  // One that is always loaded takes no orders.
  if (!ordered.ok() && ordered.error().code != Code::InvalidInput) return ordered;
  if (model.state() == model::State::Ready) return ok();
  TRY_VOID(model.tokenize(model_call(with, exchange), "a", false, false));
  return ok();
}

/// An empty request loads the model, or with a keep_alive of 0 unloads it.
void load(const Visit& visit, const dialect::Request& wanted, model::Model& model,
          dialect::Endpoint endpoint) {
  const bool loaded = wanted.keep_alive_s != 0;
  const bool lines = wanted.ask.stream;
  const dialect::Header header = header_of(visit.with, wanted.ask.model);
  at_desk(
      visit.with, visit.exchange,
      [&with = visit.with, &model, exchange = visit.exchange, loaded, lines, header, endpoint] {
        const auto done = order(with, model, loaded, *exchange);
        if (!done.ok()) return answer(*exchange, http_error(done.error()), Face::Ollama);
        const Json body = dialect::write_loaded(header, loaded, endpoint);
        if (!lines) return answer(*exchange, body);
        exchange->respond(
            {200, hearth::dialect::line_text({"", body}), {{"Content-Type", kLines}}});
      },
      Face::Ollama);
}

void generate(const Visit& visit, dialect::Endpoint endpoint) {
  const auto body = parse_json(visit.request.body, "body");
  if (!body.ok()) return visit.refuse(http_error(body.error()));
  auto read = dialect::read_request(body.value(), endpoint);
  if (!read.ok()) return visit.refuse(http_error(read.error()));
  dialect::Request& wanted = read.value().what;
  model::Model* const model = find_model(visit.with.parts.models, wanted.ask.model);
  if (!model) return visit.refuse(no_such_model(wanted.ask.model, visit.with.parts.models));
  if (wanted.is_load) return load(visit, wanted, *model, endpoint);
  RunPlan plan;
  plan.writer = std::make_unique<DialectWriter>(form_of(visit, read.value(), endpoint));
  plan.stream = wanted.ask.stream;
  wanted.ask.request.account = visit.account;
  plan.requests.push_back(std::move(wanted.ask.request));
  plan.choices.emplace_back();
  std::make_shared<Run>(std::move(plan), visit.exchange, visit.with.runs)->start(*model);
}

void show(const Visit& visit) {
  const auto body = parse_json(visit.request.body, "body");
  if (!body.ok()) return visit.refuse(http_error(body.error()));
  const auto name = dialect::read_show(body.value());
  if (!name.ok()) return visit.refuse(http_error(name.error()));
  const model::Model* const model = find_model(visit.with.parts.models, name.value());
  if (!model) return visit.refuse(no_such_model(name.value(), visit.with.parts.models));
  answer(*visit.exchange, dialect::write_show(shown(visit.with, *model)));
}

enum class Which : std::uint8_t { All, InMemory };

std::vector<dialect::Model> list(const Workplace& with, Which which) {
  std::vector<dialect::Model> models;
  for (const model::Model* const model : with.parts.models.all)
    if (which == Which::All || model->state() == model::State::Ready)
      models.push_back(shown(with, *model));
  return models;
}

/// What brings, makes or takes away models is the owner's, who has a shell.
HttpError not_here(std::string_view path) {
  std::string how = "models are files: see 'hearth model --help'";
  if (path == "/api/pull") how = "use 'hearth pull NAME' on the machine that runs this server";
  if (path == "/api/delete")
    how = "use 'hearth model rm NAME' on the machine that runs this server";
  return status_error(501, std::string(path) + " is not supported here; " + how);
}

}  // namespace

void endpoint(Workplace& with, const net::Request& request, const Route& route,
              std::uint64_t account, const ExchangePtr& exchange) {
  const Visit visit{with, request, route, account, exchange};
  switch (route.endpoint) {
    case Endpoint::OllamaRoot:
      return exchange->respond({200, "Ollama is running", {{"Content-Type", "text/plain"}}});
    case Endpoint::OllamaChat: return generate(visit, dialect::Endpoint::Chat);
    case Endpoint::OllamaGenerate: return generate(visit, dialect::Endpoint::Generate);
    case Endpoint::OllamaTags:
      return answer(*exchange, dialect::write_tags(list(with, Which::All)));
    case Endpoint::OllamaShow: return show(visit);
    case Endpoint::OllamaRunning:
      return answer(*exchange, dialect::write_running(list(with, Which::InMemory)));
    case Endpoint::OllamaEmbed: return embed(with, request, EmbedShape::Many, exchange);
    case Endpoint::OllamaEmbeddings: return embed(with, request, EmbedShape::One, exchange);
    case Endpoint::OllamaVersion: return answer(*exchange, dialect::write_version(HEARTH_VERSION));
    default: return visit.refuse(not_here(request.path));
  }
}

}  // namespace hearth::api::ollama
