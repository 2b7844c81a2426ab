#include "cli/ask/daemon_client.h"

#include <condition_variable>
#include <mutex>

#include "cli/ask/reply_reader.h"
#include "cli/terminal/progress.h"
#include "net/percent.h"

namespace hearth::cli {
namespace {

constexpr Millis kShortCall{5'000};
constexpr Millis kPollInterval{100};

/// An address that stands for "all of mine" is not one to connect to.
std::string connect_host(const std::string& host) {
  if (host == "0.0.0.0") return "127.0.0.1";
  return host == "::" ? "::1" : host;
}

bool is_success(const net::Response& response) {
  return response.status >= 200 && response.status < 300;
}

/// The body of a 2xx answer. Errors: that of an error answer; Unavailable (no JSON).
template <class Json>
Result<Json> json_of(const net::Response& response, const std::string& target) {
  if (!is_success(response)) return error_of_envelope(response.status, response.body);
  auto parsed = Json::parse(response.body, nullptr, /*allow_exceptions=*/false);
  if (parsed.is_discarded()) return Error{Code::Unavailable, target + " did not answer in JSON"};
  return parsed;
}

/// Sleeps unless somebody asks to stop.
void pause(const Call& call, Millis span) {
  std::mutex mutex;
  std::unique_lock lock(mutex);
  std::condition_variable_any nobody;
  nobody.wait_until(lock, call.stop, std::min(call.deadline, Clock::now() + span),
                    [] { return false; });
}

}  // namespace

DaemonClient::DaemonClient(const app::DaemonInfo& daemon, const config::Config& config)
    : host_(connect_host(daemon.host)),
      port_(daemon.port),
      token_(config.server.tokens.empty() ? "" : config.server.tokens.front()) {}

net::ClientRequest DaemonClient::request(const std::string& method,
                                         const std::string& target) const {
  net::ClientRequest request{.method = method, .host = host_, .port = port_, .target = target};
  if (!token_.empty()) request.headers.emplace_back("Authorization", "Bearer " + token_);
  return request;
}

Result<net::Response> DaemonClient::get(const Call& call, const std::string& target) const {
  return net::fetch(call.at_most(kShortCall), request("GET", target));
}

Result<nlohmann::json> DaemonClient::get_json(const Call& call, const std::string& target) const {
  TRY(const net::Response response, get(call, target));
  return json_of<nlohmann::json>(response, target);
}

Result<nlohmann::ordered_json> DaemonClient::send(const Call& call, const std::string& method,
                                                  const std::string& target,
                                                  const std::string& body) const {
  net::ClientRequest sent = request(method, target);
  if (!body.empty()) sent.headers.emplace_back("Content-Type", "application/json");
  sent.body = body;
  TRY(const net::Response response, net::fetch(call, sent));
  return json_of<nlohmann::ordered_json>(response, target);
}

Result<DaemonClient::Offer> DaemonClient::offer(const Call& call) const {
  TRY(const nlohmann::json body, get_json(call, "/v1/models"));
  const auto data = body.is_object() ? body.find("data") : body.end();
  const Error strange{Code::Unavailable, "the daemon offers no model"};
  if (data == body.end() || !data->is_array() || data->empty() || !data->front().is_object())
    return strange;
  const nlohmann::json& first = data->front();
  const auto id = first.find("id");
  if (id == first.end() || !id->is_string()) return strange;
  const auto context = nlohmann::json::json_pointer("/meta/n_ctx");
  const bool known = first.contains(context) && first[context].is_number_unsigned();
  return Offer{.name = id->get<std::string>(),
               .context_tokens = known ? first[context].get<std::uint64_t>() : 0};
}

Result<Reply> DaemonClient::ask(const Call& call, const std::string& model,
                                const Question& question, const OnText& on_text) const {
  net::ClientRequest post = request("POST", "/v1/chat/completions");
  post.headers.emplace_back("Content-Type", "application/json");
  if (!question.key.empty()) post.headers.emplace_back("Idempotency-Key", question.key);
  post.body = request_body(model, question);
  return stream(call, post, on_text);
}

Result<Reply> DaemonClient::decide(const Call& call, const std::string& approval_id,
                                   const Answer& answer, const OnText& on_text) const {
  net::ClientRequest post = request("POST", "/v1/approvals/" + net::percent_encoded(approval_id));
  post.headers.emplace_back("Content-Type", "application/json");
  post.body = decision_body(answer);
  return stream(call, post, on_text);
}

Result<Reply> DaemonClient::stream(const Call& call, const net::ClientRequest& post,
                                   const OnText& on_text) {
  ReplyReader reader(on_text);
  net::EventStreamParser events;
  TRY(const net::Response response, net::fetch_stream(call, post, [&](std::string_view piece) {
        events.feed(piece, [&](std::string_view data) { reader.take(data); });
        return true;
      }));
  if (!is_success(response)) return error_of_envelope(response.status, response.body);
  return reader.finish();
}

Result<std::string> DaemonClient::missing(const Call& call) const {
  TRY(const net::Response response, get(call, "/health/ready"));
  if (is_success(response)) return std::string();
  const auto body = nlohmann::json::parse(response.body, nullptr, /*allow_exceptions=*/false);
  std::string all;
  if (body.is_object() && body.contains("missing") && body["missing"].is_array())
    for (const auto& item : body["missing"])
      if (item.is_string()) all += (all.empty() ? "" : "; ") + item.get<std::string>();
  return all.empty() ? "the daemon is not ready" : all;
}

Result<void> wait_until_ready(const Call& call, const DaemonClient& daemon) {
  Progress progress;
  std::string missing;
  while (Clock::now() < call.deadline && !call.stop.stop_requested()) {
    TRY(missing, daemon.missing(call));
    if (missing.empty()) return ok();
    progress.show(missing, fraction_in(missing));
    pause(call, kPollInterval);
  }
  return Error{call.stop.stop_requested() ? Code::Cancelled : Code::Timeout,
               "the daemon is not ready: " + missing};
}

Result<DaemonClient> wait_until_back(const Call& call, const config::Config& config) {
  Progress progress;
  Clock::time_point seen = Clock::now();
  while (Clock::now() < call.deadline && !call.stop.stop_requested()) {
    TRY(const auto daemon, app::find_daemon(config.data_dir));
    if (daemon && daemon->port != 0) {
      DaemonClient client(*daemon, config);
      const auto missing = client.missing(call);
      if (missing.ok() && missing.value().empty()) return client;
      if (missing.ok()) seen = Clock::now();
      if (missing.ok()) progress.show(missing.value(), fraction_in(missing.value()));
    }
    if (Clock::now() - seen > kDaemonBackMax) return Error{Code::Unavailable, "the daemon is gone"};
    pause(call, kPollInterval);
  }
  return Error{call.stop.stop_requested() ? Code::Cancelled : Code::Timeout,
               "the daemon did not come back in time"};
}

}  // namespace hearth::cli
