#include "api/responses/create.h"

#include <optional>
#include <utility>

#include "api/openai/form.h"
#include "api/responses/writer.h"
#include "api/run/lost_header.h"
#include "api/run/run.h"
#include "api/sessions/owner.h"
#include "base/random.h"
#include "store/sessions.h"

namespace hearth::api::responses {
namespace {

namespace dialect = hearth::dialect::responses;
using Read = hearth::dialect::Carried<dialect::Request>;

/// A checked request, and the model that it names.
struct Order {
  Read read;
  model::Model* model = nullptr;
  std::uint64_t account = 0;
  std::string input{};  // as it was sent, for GET …/input_items
  bool is_kept = true;
};

/// Which model answers, where several may, is known too late for its tokens to be used.
bool keeps_tokens(const Workplace& with, const Order& order) {
  const model::Router* const router = with.parts.models.router;
  return order.is_kept && !(router && router->find(order.model->name()) == order.model);
}

store::Response response_of(const Workplace& with, const Order& order,
                            const dialect::Header& header) {
  return {.id = header.id,
          .owner = owner_of(order.account),
          .body = dump(dialect::write_state(header, "queued")),
          .input = order.input,
          .created_ms = unix_time<Millis>(with.parts.time)};
}

dialect::Header header_of(const Workplace& with, const Order& order) {
  dialect::Header header{.id = random_id("resp_"),
                         .model = order.model->name(),
                         .created = unix_time<std::chrono::seconds>(with.parts.time),
                         .delivery = order.read.what.delivery,
                         .ask = order.read.what.ask};
  std::get<chat::Conversation>(header.ask.request.prompt).messages.clear();
  header.delivery.store = order.is_kept;
  return header;
}

/// What the previous response was the end of. Errors: NotFound, InvalidInput (it has no end).
Result<store::Response> find_previous(const Workplace& with, const Order& order, const Call& call) {
  const std::string& id = order.read.what.delivery.previous_response_id;
  if (!with.parts.store)
    return Error{Code::NotFound, "this server keeps no responses", "previous_response_id"};
  store::Responses responses(*with.parts.store, with.parts.time);
  auto found = responses.find(call, owner_of(order.account), id);
  if (!found.ok() && found.error().code == Code::NotFound)
    return Error{Code::NotFound, "previous response with id '" + id + "' not found",
                 "previous_response_id"};
  if (!found.ok()) return found;
  if (found.value().state == store::Response::State::Running)
    return field_error("previous_response_id", "'" + id + "' is still being made");
  if (found.value().session_id.empty())
    return field_error("previous_response_id", "'" + id + "' has ended without an answer");
  return found;
}

/// All that is known before the model is asked.
Result<Making> prepare(const Workplace& with, const Order& order, const Call& call) {
  Making making{.header = header_of(with, order), .lost = order.read.lost};
  making.is_kept = order.is_kept;
  making.end = {.response = response_of(with, order, making.header),
                .new_session_id = random_id(store::Sessions::kIdPrefix)};
  std::vector<store::Entry> past;
  if (!order.read.what.delivery.previous_response_id.empty()) {
    TRY(const store::Response previous, find_previous(with, order, call));
    making.end.follows_session_id = previous.session_id;
    making.end.follows_messages = previous.messages;
    store::Transcript transcript(*with.parts.store, with.parts.time);
    TRY(past, transcript.read(call, previous.session_id, 0, previous.messages));
  }
  const bool has_instructions = !order.read.what.delivery.instructions.empty();
  TRY(making.asked, ask_behind(past, order.read.what.ask, has_instructions, *order.model));
  chat::Request& request = making.asked.request;
  request.account = order.account;
  request.trace = keeps_tokens(with, order);
  if (!order.is_kept) return making;
  request.session = past.empty() ? making.end.new_session_id : making.end.follows_session_id;
  request.cache.key = request.session;
  request.cache.persist = true;
  return making;
}

void start(Workplace& with, Order order, Making making, const ExchangePtr& exchange) {
  const dialect::Delivery& delivery = making.header.delivery;
  const bool has_client = !delivery.background || order.read.what.ask.stream;
  const auto held =
      std::make_shared<HeldExchange>(has_client ? exchange : nullptr, making.stop, with.keeper);
  RunPlan plan;
  plan.stream = order.read.what.ask.stream;
  plan.requests.push_back(std::move(making.asked.request));
  plan.choices.emplace_back();
  plan.writer = make_writer(with, std::move(making), held);
  std::make_shared<Run>(std::move(plan), held, with.runs)->start(*order.model);
}

/// One that nobody waits for is on disk before its client is told that it will be made, and can be
/// cancelled from then on.
Result<void> begin(Workplace& with, Making& making, bool streams, const ExchangePtr& exchange,
                   const Call& call) {
  if (!making.header.delivery.background) return ok();
  const store::Response& response_row = making.end.response;
  TRY(making.stop,
      with.background.add(making.header.id, response_row.body.size() + response_row.input.size()));
  store::Responses responses(*with.parts.store, with.parts.time);
  if (auto begun = responses.begin(call, response_row); !begun.ok()) {
    with.background.remove(making.header.id);
    return begun;
  }
  if (streams) return ok();
  net::Response response{200, making.end.response.body, {{"Content-Type", "application/json"}}};
  add_lost(response.headers, making.lost);
  exchange->respond(std::move(response));
  return ok();
}

void make(Workplace& with, Order order, const ExchangePtr& exchange) {
  const Call call = Call::within(kStoreTimeout, exchange->stop());
  auto making = prepare(with, order, call);
  if (!making.ok()) return answer(*exchange, http_error(making.error()));
  const auto begun = begin(with, making.value(), order.read.what.ask.stream, exchange, call);
  if (!begun.ok()) return answer(*exchange, http_error(begun.error()));
  start(with, std::move(order), std::move(making).value(), exchange);
}

/// Errors: InvalidInput.
Result<Order> read_order(const Workplace& with, const net::Request& request) {
  TRY(const Json body, parse_json(request.body, "body"));
  Order order;
  TRY(order.read, dialect::read_request(body));
  order.input = dump(body.at("input"));
  const dialect::Delivery& delivery = order.read.what.delivery;
  if (delivery.background && !delivery.store)
    return field_error("background", "needs store to be true");
  if (delivery.background && !with.parts.store)
    return field_error("background", "this server keeps no responses");
  order.is_kept = delivery.store && with.parts.store != nullptr;
  return order;
}

}  // namespace

void create(Workplace& with, const net::Request& request, std::uint64_t account,
            const ExchangePtr& exchange) {
  auto order = read_order(with, request);
  if (!order.ok()) return answer(*exchange, http_error(order.error()));
  const std::string& name = order.value().read.what.ask.model;
  order.value().model = with.parts.models.find(name);
  if (!order.value().model) return answer(*exchange, no_such_model(name, with.parts.models));
  order.value().account = account;
  const dialect::Delivery& delivery = order.value().read.what.delivery;
  const bool blocks = delivery.background || !delivery.previous_response_id.empty();
  if (!blocks) return make(with, std::move(order).value(), exchange);
  at_desk(with, exchange, [&with, exchange, order = std::move(order).value()]() mutable {
    make(with, std::move(order), exchange);
  });
}

}  // namespace hearth::api::responses
