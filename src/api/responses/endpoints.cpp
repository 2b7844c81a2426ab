#include "api/responses/endpoints.h"

#include <algorithm>
#include <utility>

#include "api/http/query.h"
#include "api/openai/form.h"
#include "api/responses/create.h"
#include "api/sessions/owner.h"
#include "base/fields.h"
#include "base/log.h"
#include "store/responses.h"

namespace hearth::api::responses {
namespace {

using State = store::Response::State;

constexpr std::size_t kItemsDefault = 20, kItemsMax = 100;  // of one page of input items

/// One request about a response, on a thread that may block.
struct Visit {
  Workplace& with;
  const net::Request& request;
  std::string id;
  std::string owner;
  Call call;
  store::Responses responses() const { return {*with.parts.store, with.parts.time}; }
  Result<store::Response> find() const {
    auto found = responses().find(call, owner, id);
    if (found.ok() || found.error().code != Code::NotFound) return found;
    return Error{Code::NotFound, "response with id '" + id + "' not found"};
  }
};

Result<Json> body_of(const store::Response& response) {
  auto body = parse_json(response.body, "a stored response");
  if (!body.ok()) return Error{Code::Corrupt, body.error().message};
  return body;
}

Result<Json> show(const Visit& visit) {
  TRY(const auto streams, query_text(visit.request.query, "stream"));
  if (streams && *streams != "false")
    return field_error("stream", "a response can be streamed only while it is created");
  TRY(const store::Response response, visit.find());
  TRY(Json body, body_of(response));
  if (response.state == State::Running && visit.with.background.has_started(visit.id))
    body["status"] = "in_progress";
  return body;
}

/// The body says so at once; the work is stopped soon.
Result<Json> cancel(const Visit& visit) {
  TRY(const store::Response response, visit.find());
  TRY(Json body, body_of(response));
  if (body["background"] != true)
    return field_error("background", "only a background response can be cancelled");
  if (response.state != State::Running) return body;
  body["status"] = "cancelled";
  const auto ended =
      visit.responses().break_off(visit.call, visit.id, State::Cancelled, dump(body));
  if (!ended.ok() && ended.error().code != Code::NotFound) return ended.error();
  visit.with.background.cancel(visit.id);
  return ended.ok() ? Result<Json>(std::move(body)) : show(visit);  // it has just ended
}

Result<Json> remove(const Visit& visit) {
  TRY_VOID(visit.find());
  TRY_VOID(visit.responses().remove(visit.call, visit.owner, visit.id));
  visit.with.background.cancel(visit.id);
  return Json{{"id", visit.id}, {"object", "response"}, {"deleted", true}};
}

/// As a client would have to send it: a text is a message of the user's.
Json items_of(const Json& input, const std::string& id) {
  Json items = input;
  if (input.is_string())
    items = Json::array({{{"type", "message"},
                          {"role", "user"},
                          {"content", Json::array({{{"type", "input_text"}, {"text", input}}})}}});
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (!items[i].contains("type")) items[i]["type"] = "message";
    if (!items[i].contains("id")) items[i]["id"] = "item_" + id + "_" + std::to_string(i);
  }
  return items;
}

/// `order` is desc unless it is asc, as there; `after` is the last item that is known already.
Result<Json> input_items(const Visit& visit) {
  TRY(const std::size_t limit,
      query_number(visit.request.query, "limit", kItemsDefault, kItemsMax));
  TRY(const auto order, query_text(visit.request.query, "order"));
  TRY(const auto after, query_text(visit.request.query, "after"));
  TRY(const store::Response response, visit.find());
  TRY(const Json input, parse_json(response.input, "a stored input"));
  Json items = items_of(input, visit.id);
  if (order.value_or("desc") != "asc") std::reverse(items.begin(), items.end());
  auto first = items.begin();
  if (after) {
    first = std::find_if(items.begin(), items.end(),
                         [&](const Json& item) { return item["id"] == *after; });
    if (first == items.end()) return field_error("after", "no item has this id");
    ++first;
  }
  Json data = Json::array();
  for (; first != items.end() && data.size() < limit; ++first) data.push_back(*first);
  const Json none = nullptr;
  return Json{{"object", "list"},
              {"data", data},
              {"first_id", data.empty() ? none : data.front()["id"]},
              {"last_id", data.empty() ? none : data.back()["id"]},
              {"has_more", first != items.end()}};
}

Result<Json> reply_to(const Visit& visit, Endpoint endpoint) {
  switch (endpoint) {
    case Endpoint::ShowResponse: return show(visit);
    case Endpoint::DeleteResponse: return remove(visit);
    case Endpoint::ResponseInput: return input_items(visit);
    case Endpoint::CancelResponse: return cancel(visit);
    default: return Error{Code::Internal, "no endpoint of responses"};
  }
}

}  // namespace

void endpoint(Workplace& with, const net::Request& request, const Route& route,
              std::uint64_t account, const ExchangePtr& exchange) {
  if (route.endpoint == Endpoint::CreateResponse) return create(with, request, account, exchange);
  if (!with.parts.store)
    return answer(*exchange, status_error(404, "This server keeps no responses", "", "not_found"));
  at_desk(with, exchange, [&with, request, route, account, exchange] {
    const Visit visit{with, request, route.argument, owner_of(account),
                      Call::within(kStoreTimeout, exchange->stop())};
    const auto reply = reply_to(visit, route.endpoint);
    if (!reply.ok()) return answer(*exchange, http_error(reply.error()));
    answer(*exchange, reply.value());
  });
}

Result<void> fail_lost(const Call& call, const Parts& parts) {
  if (!parts.store) return ok();
  store::Responses responses(*parts.store, parts.time);
  TRY(const auto lost, responses.running(call));
  for (const store::Response& response : lost) {
    TRY(Json body, body_of(response));
    body["status"] = "failed";
    body["error"] = {{"code", "server_error"},
                     {"message", "the daemon ended before the response was made"}};
    TRY_VOID(responses.break_off(call, response.id, State::Failed, dump(body)));
  }
  if (!lost.empty()) log::warn("{} background responses were cut off and have failed", lost.size());
  return ok();
}

}  // namespace hearth::api::responses
