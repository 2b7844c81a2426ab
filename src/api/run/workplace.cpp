#include "api/run/workplace.h"

#include <utility>

namespace hearth::api {

void answer(net::Exchange& exchange, const HttpError& error, Face face) {
  exchange.respond(error_response(error, face));
}

void answer(net::Exchange& exchange, const nlohmann::ordered_json& body) {
  constexpr auto kReplace = nlohmann::ordered_json::error_handler_t::replace;
  exchange.respond(
      {200, body.dump(-1, ' ', false, kReplace), {{"Content-Type", "application/json"}}});
}

void at_desk(Workplace& with, const ExchangePtr& exchange, std::function<void()> job, Face face) {
  if (with.desk.try_submit(std::move(job))) return;
  answer(*exchange,
         http_error({Code::Busy, "too many requests wait for a model; try again soon", {}}), face);
}

HttpError no_such_model(const std::string& name, const Models& models) {
  return status_error(404,
                      "The model '" + name + "' does not exist; this server has: " + models.names(),
                      "model", "model_not_found");
}

Call model_call(const Workplace& with, const net::Exchange& exchange) {
  return Call::within(with.parts.config.model.request_timeout, exchange.stop());
}

}  // namespace hearth::api
