#include "api/sessions/approvals.h"

#include "api/openai/writer.h"
#include "api/run/run.h"
#include "api/sessions/owner.h"
#include "base/fields.h"
#include "store/approvals.h"

namespace hearth::api {
namespace {

using json = nlohmann::ordered_json;

/// What a body decides.
struct Decision {
  agent::Toolbox::Answer answer;
  bool stream = false;
};

Result<bool> parse_decision(const Fields& fields) {
  TRY(const std::string decision, fields.text("decision"));
  if (decision == "allow" || decision == "deny") return decision == "allow";
  return fields.wrong("decision", "must be allow or deny");
}

Result<store::ApprovalScope> parse_scope(const Fields& fields) {
  TRY(const std::string scope, fields.text_or("scope", "once"));
  using Scope = store::ApprovalScope;
  for (const Scope one : {Scope::Once, Scope::Session, Scope::Always})
    if (scope == store::approval_scope_name(one)) return one;
  return fields.wrong("scope", "must be once, session or always");
}

Result<policy::Breadth> parse_breadth(const Fields& fields) {
  TRY(const std::string pattern, fields.text_or("pattern", "this"));
  if (pattern == "this") return policy::Breadth::This;
  if (pattern == "alike") return policy::Breadth::Alike;
  return fields.wrong("pattern", "must be this or alike");
}

/// How long what is learned holds.
Result<std::optional<Millis>> parse_expires(const Fields& fields) {
  if (!fields.has("expires")) return std::optional<Millis>();
  TRY(const std::string text, fields.text("expires"));
  TRY(const Millis holds, policy::parse_hold(text, fields.path("expires")));
  return std::optional(holds);
}

Result<Decision> parse(const net::Request& request, const std::string& owner) {
  TRY(const json body, parse_json(request.body, "body"));
  TRY(const Fields fields, Fields::of(body));
  Decision out;
  TRY(out.answer.verdict.allow, parse_decision(fields));
  TRY(out.answer.verdict.scope, parse_scope(fields));
  TRY(out.answer.breadth, parse_breadth(fields));
  TRY(out.answer.holds, parse_expires(fields));
  if (out.answer.holds && out.answer.verdict.scope == store::ApprovalScope::Once)
    return fields.wrong("expires", "needs the scope session or always");
  TRY(out.stream, fields.flag_or("stream", false));
  out.answer.verdict.by = owner;
  return out;
}

HttpError nothing_here() {
  return status_error(404, "This server keeps no sessions", "", "not_found");
}

void go_on(Workplace& with, const Decision& decision, const std::string& owner,
           const std::string& id, const ExchangePtr& exchange) {
  const Call call = Call::within(kStoreTimeout, exchange->stop());
  store::Approvals approvals(*with.parts.store, with.parts.time);
  const auto found = approvals.find(call, owner, id);
  if (!found.ok()) return answer(*exchange, http_error(found.error()));
  model::Model* const model = with.parts.models.find("");
  if (!model) return answer(*exchange, http_error({Code::Unavailable, "there is no model"}));
  Header header = header_for(with, "chatcmpl-", *model, false);
  header.session_id = found.value().asked.session_id;
  RunPlan plan;
  plan.writer = make_openai_writer(make_chat_form(std::move(header)));
  plan.stream = decision.stream;
  plan.requests.emplace_back();
  plan.choices.emplace_back();
  std::make_shared<Run>(std::move(plan), exchange, with.runs)
      ->start([&](const chat::Request&, std::shared_ptr<model::EventSink> sink) {
        return with.parts.sessions->decide(call, owner, id, decision.answer, std::move(sink));
      });
}

}  // namespace

void list_approvals(Workplace& with, std::uint64_t account, const ExchangePtr& exchange) {
  if (!with.parts.sessions) return answer(*exchange, nothing_here());
  at_desk(with, exchange, [&with, account, exchange] {
    const auto waiting = with.parts.sessions->questions(
        Call::within(kStoreTimeout, exchange->stop()), owner_of(account));
    if (!waiting.ok()) return answer(*exchange, http_error(waiting.error()));
    answer(*exchange, json{{"object", "list"}, {"data", questions_json(waiting.value())}});
  });
}

void decide_approval(Workplace& with, const net::Request& request, const std::string& id,
                     std::uint64_t account, const ExchangePtr& exchange) {
  if (!with.parts.store || !with.parts.sessions) return answer(*exchange, nothing_here());
  const std::string owner = owner_of(account);
  auto parsed = parse(request, owner);
  if (!parsed.ok()) return answer(*exchange, http_error(parsed.error()));
  at_desk(with, exchange, [&with, decision = parsed.value(), owner, id, exchange] {
    go_on(with, decision, owner, id, exchange);
  });
}

}  // namespace hearth::api
