#include "api/http/pages.h"

#include <nlohmann/json.hpp>

#include "api/http/errors.h"

namespace hearth::api {
namespace {

using Json = nlohmann::ordered_json;

constexpr Millis kEngineAnswersWithin{100};  // what it did not tell by then stays as it was

net::Response json_page(int status, const Json& body) {
  return {status,
          body.dump(-1, ' ', false, Json::error_handler_t::replace),
          {{"Content-Type", "application/json"}}};
}

}  // namespace

std::vector<std::string> all_missing(const Parts& parts) {
  std::vector<std::string> missing = parts.missing ? parts.missing() : std::vector<std::string>();
  if (is_draining(parts)) missing.emplace_back("the daemon is stopping");
  if (parts.models.all.empty()) missing.emplace_back("no model is configured");
  for (const auto* model : parts.models.all) {
    const model::State state = model->state();
    // One that was loaded, and went, comes back when somebody asks.
    if (state == model::State::Ready || state == model::State::Unloaded) continue;
    if (model->is_on_demand()) continue;
    const std::string text = model->state_text();
    missing.push_back("model " + model->name() + ": " + (text.empty() ? "not ready" : text));
  }
  return missing;
}

net::Response health_page(const Parts& parts, Clock::time_point started) {
  const auto uptime = std::chrono::duration_cast<std::chrono::seconds>(parts.time.now() - started);
  return json_page(200, {{"status", "ok"},
                         {"device_id", parts.device_id},
                         {"version", HEARTH_VERSION},
                         {"uptime_s", uptime.count()}});
}

net::Response ready_page(const Parts& parts) {
  const std::vector<std::string> missing = all_missing(parts);
  if (missing.empty()) return json_page(200, {{"status", "ready"}, {"missing", Json::array()}});
  net::Response page = json_page(503, {{"status", "not ready"}, {"missing", missing}});
  page.headers.emplace_back("Retry-After", std::to_string(kRetryUnavailableSeconds));
  return page;
}

net::Response metrics_page(const Parts& parts) {
  for (auto* model : parts.models.all) model->refresh_metrics(Call::within(kEngineAnswersWithin));
  return {
      200, parts.registry.text(), {{"Content-Type", "text/plain; version=0.0.4; charset=utf-8"}}};
}

bool is_draining(const Parts& parts) { return parts.draining && parts.draining(); }

net::Response draining_answer(Face face) {
  net::Response response =
      error_response(http_error({Code::Unavailable, "the daemon is stopping", {}}), face);
  response.headers.emplace_back("Connection", "close");
  return response;
}

}  // namespace hearth::api
