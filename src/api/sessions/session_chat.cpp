#include "api/sessions/session_chat.h"

#include "api/openai/chat_request.h"
#include "api/openai/messages.h"
#include "api/openai/writer.h"
#include "api/run/run.h"
#include "api/sessions/owner.h"
#include "vault/secret.h"

namespace hearth::api {
namespace {

using json = nlohmann::ordered_json;

/// Fields that are not the model's business, or are stored apart.
constexpr const char* kOwnFields[] = {"messages", "model", "session_id", "stream",
                                      "stream_options"};

/// A checked request, as the session takes it.
struct SessionRequest {
  agent::Submission submission;
  Delivery delivery;
  AnswerCheck check;
};

/// What is stored of a request, for the turn to read again: all but the messages.
std::string stored(const json& body) {
  json kept = body;
  for (const char* field : kOwnFields) kept.erase(field);
  return dump(kept);
}

json with_stand_in(json body) {
  body["messages"] = json::array({{{"role", "user"}, {"content", ""}}});
  return body;
}

Result<SessionRequest> parse(const net::Request& http, const json& body, const model::Model& model,
                             std::uint64_t account) {
  TRY(const Fields fields, Fields::of(body));
  agent::Submission submission;
  TRY(submission.session, fields.text("session_id"));
  if (submission.session.empty()) return fields.wrong("session_id", "must not be empty");
  if (fields.has("cache"))
    return fields.wrong("cache", "is not allowed in a session, which keeps its own state");
  TRY(submission.messages, parse_messages(fields, Calls::Remembered));
  TRY(const ChatRequest checked, parse_chat_request(with_stand_in(body), model.facts().vocabulary));
  if (checked.delivery.choices != 1) return fields.wrong("n", "must be 1 in a session");
  submission.owner = owner_of(account);
  submission.model = model.name();
  submission.request = stored(body);
  if (const std::string* key = http.header("idempotency-key")) submission.key = *key;
  submission.digest = vault::sha256_hex(http.body);
  return SessionRequest{std::move(submission), checked.delivery, AnswerCheck(checked.request)};
}

void run(Workplace& with, SessionRequest wanted, model::Model& model, const ExchangePtr& exchange) {
  const Call call = Call::within(kStoreTimeout, exchange->stop());
  agent::Sessions& sessions = *with.parts.sessions;
  const auto session = sessions.open(call, wanted.submission);
  if (!session.ok()) return answer(*exchange, http_error(session.error()));
  Header header = header_for(with, "chatcmpl-", model, wanted.delivery.include_usage);
  header.session_id = session.value().id;
  RunPlan plan;
  plan.writer = make_openai_writer(make_chat_form(std::move(header)));
  plan.stream = wanted.delivery.stream;
  plan.check = std::move(wanted.check);
  plan.requests.emplace_back();
  plan.choices.emplace_back();
  std::make_shared<Run>(std::move(plan), exchange, with.runs)
      ->start([&](const chat::Request&, std::shared_ptr<model::EventSink> sink) {
        return sessions.submit(call, session.value(), wanted.submission, std::move(sink));
      });
}

}  // namespace

void chat_in_session(Workplace& with, const net::Request& request, const json& body,
                     model::Model& model, std::uint64_t account, const ExchangePtr& exchange) {
  if (!with.parts.sessions)
    return answer(*exchange,
                  status_error(400, "session_id: this server keeps no sessions", "session_id"));
  auto parsed = parse(request, body, model, account);
  if (!parsed.ok()) return answer(*exchange, http_error(parsed.error()));
  at_desk(with, exchange, [&with, &model, exchange, wanted = std::move(parsed).value()]() mutable {
    run(with, std::move(wanted), model, exchange);
  });
}

Result<chat::Request> read_session_request(std::string_view request, const std::string& owner) {
  TRY(const json body, parse_json(std::string(request), "request"));
  if (!body.is_object()) return Error{Code::InvalidInput, "a stored request is no object"};
  TRY(ChatRequest parsed, parse_chat_request(with_stand_in(body), 0));
  chat::Request out = std::move(parsed.request);
  std::get<chat::Conversation>(out.prompt).messages.clear();
  if (parsed.delivery.seed) out.sampling.seed = seed_of(*parsed.delivery.seed, 0);
  out.account = account_of_owner(owner);
  return out;
}

}  // namespace hearth::api
