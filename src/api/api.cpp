#include "api/api.h"

#include <exception>

#include "api/anthropic/endpoints.h"
#include "api/grpc/server.h"
#include "api/http/gate.h"
#include "api/http/pages.h"
#include "api/http/reply.h"
#include "api/http/routes.h"
#include "api/ollama/endpoints.h"
#include "api/openai/endpoints.h"
#include "api/responses/endpoints.h"
#include "api/sessions/approvals.h"
#include "api/sessions/costs.h"
#include "api/sessions/endpoints.h"
#include "api/sessions/spending.h"
#include "base/log.h"
#include "base/random.h"

namespace hearth::api {
namespace {

/// `host`: where it listens.
GateRules gate_rules(const config::Config::Server& server, const std::string& host) {
  GateRules rules{host, server.hosts, server.cors_origins, {}};
  for (const std::string& token : server.tokens) rules.tokens.emplace_back(token);
  return rules;
}

/// Catches a whole answer that is given before the handler returns.
class Caught final : public net::Exchange {
 public:
  void respond(net::Response given) override { response = std::move(given); }
  void begin(int, net::Headers) override {}
  bool write(std::string) override { return false; }
  void end() override {}
  std::stop_token stop() const override { return {}; }

  std::optional<net::Response> response;
};

}  // namespace

model::Model* Models::find(std::string_view name) const {
  for (auto* model : all)
    if (name.empty() || model->name() == name) return model;
  model::Model* const routed = router ? router->find(name) : nullptr;
  return routed || !others ? routed : others(name);
}

std::string Models::names() const {
  std::string names;
  for (const auto* model : all) names += (names.empty() ? "" : ", ") + model->name();
  return names.empty() ? "none" : names;
}

std::string Models::level_of(const model::Model& model) const {
  using model::router::Level;
  if (router && router->find(model.name()) == &model) return "";
  const auto place = router ? router->place_of(model) : std::nullopt;
  // A provider's model that nobody listed can be asked by its name alone.
  const Level unlisted = model.is_local() ? Level::Operational : Level::Strategic;
  return model::router::level_name(place ? place->level : unlisted);
}

struct Api::State {
  explicit State(Parts given)
      : parts(std::move(given)),
        rules(gate_rules(parts.config.server, parts.config.server.host)),
        started(parts.time.now()),
        workplace{parts,  runs,       desk,
                  keeper, background, unix_time<std::chrono::seconds>(parts.time)} {}

  void handle(const net::Request& request, std::shared_ptr<net::Exchange> exchange);
  bool stopped_at_gate(const net::Request& request, const Route& route, net::Exchange& reply);
  void dispatch(const net::Request& request, const Route& route,
                const std::shared_ptr<net::Exchange>& reply);
  std::shared_ptr<net::Exchange> reply_for(const net::Request& request, const Route& route,
                                           std::shared_ptr<net::Exchange> exchange);

  const Parts parts;
  const GateRules rules;
  const Clock::time_point started;
  Background background;
  Keeper keeper;  // before runs: their ends are written there
  Runs runs;
  Desk desk;  // after runs: its jobs start answers
  Workplace workplace;
};

/// The wall between requests and the rest: what escapes here is our bug, and only this request
/// pays.
void Api::State::handle(const net::Request& request, std::shared_ptr<net::Exchange> exchange) {
  const Route route = find_route(request.method, request.path);
  auto reply = reply_for(request, route, std::move(exchange));
  try {
    if (stopped_at_gate(request, route, *reply)) return;
    dispatch(request, route, reply);
  } catch (const std::exception& error) {
    log::error("bug in {} {}: {}", route.method, route.pattern, error.what());
    parts.registry
        .counter("hearth_bugs_total", "Exceptions that reached a wall.", {{"wall", "api"}})
        .add();
    const Face face = face_of(request.path);
    reply->respond(error_response(http_error({Code::Internal, "internal error", {}}), face));
  }
}

std::shared_ptr<net::Exchange> Api::State::reply_for(const net::Request& request,
                                                     const Route& route,
                                                     std::shared_ptr<net::Exchange> exchange) {
  ReplyFacts facts{route.pattern, method_label(request.method), cors_headers(rules, request)};
  const std::string id = random_id("req_");
  facts.headers.emplace_back("x-request-id", id);
  // As Anthropic's own clients look for it.
  if (face_of(request.path) == Face::Anthropic) facts.headers.emplace_back("request-id", id);
  return make_reply(std::move(exchange), std::move(facts), parts.registry, parts.time);
}

bool Api::State::stopped_at_gate(const net::Request& request, const Route& route,
                                 net::Exchange& reply) {
  const Face face = face_of(request.path);
  auto refused = check_host(rules, request);
  if (!refused) refused = check_origin(rules, request);
  if (!refused && is_preflight(request))
    return reply.respond(preflight_answer(rules, request)), true;
  const bool is_public = route.match == Route::Match::Found && route.endpoint == Endpoint::Health;
  if (!refused && !is_public) refused = check_token(rules, request);
  if (!refused && route.match == Route::Match::Unknown)
    refused = status_error(404, "Invalid URL (" + request.method + " " + request.path + ")", "",
                           "not_found");
  if (refused) return reply.respond(error_response(*refused, face)), true;
  if (route.match != Route::Match::WrongMethod) return false;
  const std::string why =
      "Not allowed to " + request.method + " on " + route.pattern + ", use " + route.method;
  auto response = error_response(status_error(405, why), face);
  response.headers.emplace_back("Allow", route.allowed);
  reply.respond(std::move(response));
  return true;
}

void Api::State::dispatch(const net::Request& request, const Route& route,
                          const std::shared_ptr<net::Exchange>& reply) {
  if (route.method == std::string_view("POST")) {
    const Face face = face_of(request.path);
    if (is_draining(parts)) return reply->respond(draining_answer(face));
    if (const auto refused = check_content_type(request))
      return reply->respond(error_response(*refused, face));
  }
  const std::uint64_t account = account_of(rules, request);
  switch (route.endpoint) {
    case Endpoint::Chat: return chat_completions(workplace, request, account, reply);
    case Endpoint::Completions: return completions(workplace, request, account, reply);
    case Endpoint::Embeddings: return embeddings(workplace, request, reply);
    case Endpoint::Tokenize: return tokenize(workplace, request, reply);
    case Endpoint::Detokenize: return detokenize(workplace, request, reply);
    case Endpoint::AnthropicMessages:
      return anthropic::messages(workplace, request, account, reply);
    case Endpoint::AnthropicCount:
      return anthropic::count_tokens(workplace, request, account, reply);
    case Endpoint::CreateResponse:
    case Endpoint::ShowResponse:
    case Endpoint::DeleteResponse:
    case Endpoint::ResponseInput:
    case Endpoint::CancelResponse:
      return responses::endpoint(workplace, request, route, account, reply);
    case Endpoint::OllamaRoot:
    case Endpoint::OllamaChat:
    case Endpoint::OllamaGenerate:
    case Endpoint::OllamaTags:
    case Endpoint::OllamaShow:
    case Endpoint::OllamaRunning:
    case Endpoint::OllamaEmbed:
    case Endpoint::OllamaEmbeddings:
    case Endpoint::OllamaVersion:
    case Endpoint::OllamaOther: return ollama::endpoint(workplace, request, route, account, reply);
    case Endpoint::Models: return list_models(workplace, reply);
    case Endpoint::OneModel: return show_model(workplace, route.argument, reply);
    case Endpoint::LoadModel: return order_model(workplace, route.argument, true, reply);
    case Endpoint::UnloadModel: return order_model(workplace, route.argument, false, reply);
    case Endpoint::ExplainRoute: return explain_route(workplace, request, reply);
    case Endpoint::ListCosts: return list_costs(workplace, request, account, reply);
    case Endpoint::ShowSpending: return show_spending(workplace, account, reply);
    case Endpoint::StopSpending: return stop_spending(workplace, request, reply);
    case Endpoint::ReleaseSpending:
      return release_spending(workplace, is_operator(rules, account), reply);
    case Endpoint::ListApprovals: return list_approvals(workplace, account, reply);
    case Endpoint::DecideApproval:
      return decide_approval(workplace, request, route.argument, account, reply);
    case Endpoint::ListSessions:
    case Endpoint::CreateSession:
    case Endpoint::ShowSession:
    case Endpoint::DeleteSession:
    case Endpoint::SessionMessages:
    case Endpoint::SessionContext:
    case Endpoint::ForkSession:
    case Endpoint::CancelSession:
    case Endpoint::ListTools:
    case Endpoint::Search: return sessions_endpoint(workplace, request, route, account, reply);
    case Endpoint::Health: return reply->respond(health_page(parts, started));
    case Endpoint::Ready: return reply->respond(ready_page(parts));
    case Endpoint::Metrics: return reply->respond(metrics_page(parts));
  }
}

Api::Api(Parts parts) : state_(std::make_unique<State>(std::move(parts))) {}
Api::~Api() = default;

net::Handler Api::handler() {
  return
      [state = state_.get()](const net::Request& request, std::shared_ptr<net::Exchange> exchange) {
        state->handle(request, std::move(exchange));
      };
}

std::function<std::optional<net::Response>(const net::Request&)> Api::at_once() {
  return [state = state_.get()](const net::Request& request) -> std::optional<net::Response> {
    const Route route = find_route(request.method, request.path);
    if (route.match != Route::Match::Found || route.endpoint != Endpoint::Health)
      return std::nullopt;
    const auto caught = std::make_shared<Caught>();
    state->handle(request, caught);
    return std::move(caught->response);
  };
}

Result<std::unique_ptr<GrpcServer>> Api::open_grpc() {
  const config::Config& config = state_->parts.config;
  TRY(auto opened, GrpcServer::State::start(
                       {.parts = state_->parts, .runs = state_->runs, .started = state_->started},
                       gate_rules(config.server, config.grpc.host)));
  return std::unique_ptr<GrpcServer>(new GrpcServer(std::move(opened)));
}

std::string Api::error_body(int status, const std::string& message, const std::string& field,
                            const std::string& path) {
  return envelope(status_error(status, message, field), face_of(path));
}

Result<void> Api::recover(const Call& call) { return responses::fail_lost(call, state_->parts); }

/// Run by run it is counted until it is kept: first what it hands over, then where to.
std::size_t Api::answers() const {
  const std::size_t made = state_->desk.size() + state_->runs.size();
  return made + state_->keeper.size();
}

void Api::end_answers() { state_->runs.end_all({Code::Unavailable, "the daemon is stopping", {}}); }

}  // namespace hearth::api
