#include "api/sessions/spending.h"

#include "api/sessions/owner.h"
#include "base/fields.h"

namespace hearth::api {
namespace {

constexpr std::int64_t kSecondMs = 1'000;

Json line_json(const char* what, std::optional<policy::MicroDollars> cap,
               policy::MicroDollars spent, std::int64_t renewed_ms) {
  Json line = {{"what", what}, {"spent_microdollars", spent}};
  line["max_microdollars"] = cap ? Json(*cap) : Json();
  if (renewed_ms > 0) line["begins_anew"] = renewed_ms / kSecondMs;
  return line;
}

Json standing_json(const model::Cashier::Standing& standing) {
  const auto& [caps, totals, period, stopped, running] = standing;
  Json out = {{"object", "spending"}, {"stopped", stopped.has_value()}, {"running", running}};
  if (stopped) out["stopped_since"] = stopped->since_ms / kSecondMs;
  if (stopped && !stopped->why.empty()) out["why"] = stopped->why;
  out["caps"] = {
      line_json("day", caps.day, totals.day_micro, period.next_day_ms),
      line_json("month", caps.month, totals.month_micro, period.next_month_ms),
      line_json("token_day", caps.owner_day, totals.owner_day_micro, period.next_day_ms)};
  return out;
}

using Work = std::function<Result<void>(model::Cashier& cashier, const Call& call)>;

/// Does it, then tells how things are.
void answer_standing(Workplace& with, std::uint64_t account, const ExchangePtr& exchange,
                     Work work) {
  model::Cashier* const cashier = with.parts.cashier;
  if (!cashier) return answer(*exchange, status_error(404, "this server pays nobody"));
  at_desk(with, exchange, [cashier, account, exchange, work = std::move(work)] {
    const Call call = Call::within(kStoreTimeout, exchange->stop());
    const auto done = work ? work(*cashier, call) : ok();
    if (!done.ok()) return answer(*exchange, http_error(done.error()));
    const auto standing = cashier->standing(call, owner_of(account));
    standing.ok() ? answer(*exchange, standing_json(standing.value()))
                  : answer(*exchange, http_error(standing.error()));
  });
}

Result<std::string> parse_why(const net::Request& request) {
  if (request.body.empty()) return std::string();
  TRY(const Json body, parse_json(request.body, "the body"));
  TRY(const Fields fields, Fields::of(body));
  TRY(auto why, fields.text_or("why", ""));
  if (why.size() > store::Ledger::kWhyBytesMax)
    return field_error("why",
                       "has more than " + std::to_string(store::Ledger::kWhyBytesMax) + " bytes");
  return why;
}

}  // namespace

void show_spending(Workplace& with, std::uint64_t account, const ExchangePtr& exchange) {
  answer_standing(with, account, exchange, {});
}

void stop_spending(Workplace& with, const net::Request& request, const ExchangePtr& exchange) {
  auto why = parse_why(request);
  if (!why.ok()) return answer(*exchange, http_error(why.error()));
  answer_standing(with, 0, exchange,
                  [why = std::move(why).value()](model::Cashier& cashier, const Call& call) {
                    return cashier.stop_spending(call, why);
                  });
}

void release_spending(Workplace& with, bool is_operators, const ExchangePtr& exchange) {
  // Else the program that was stopped could undo it.
  if (!is_operators)
    return answer(*exchange, status_error(403,
                                          "only the first of server.tokens may let spending "
                                          "go on; stopping it is everybody's"));
  answer_standing(with, 0, exchange,
                  [](model::Cashier& cashier, const Call& call) { return cashier.go_on(call); });
}

}  // namespace hearth::api
