#include "api/sessions/costs.h"

#include "api/http/query.h"
#include "api/sessions/owner.h"
#include "base/fields.h"
#include "policy/budget.h"
#include "store/ledger.h"

namespace hearth::api {
namespace {

using By = store::Ledger::By;

constexpr std::size_t kDaysDefault = 30, kDaysMax = 36'500;
constexpr std::int64_t kDayMs = 86'400'000;

Result<By> parse_by(const net::Request& request) {
  TRY(const auto by, query_text(request.query, "by"));
  const std::string name = by.value_or("model");
  if (name == "model") return By::Model;
  if (name == "session") return By::Session;
  if (name == "day") return By::Day;
  return field_error("by", "must be model, session or day");
}

Json line_json(const store::Spent& spent) {
  const store::Consumption& taken = spent.consumption;
  return {{"key", spent.key},
          {"calls", spent.calls},
          {"cost_microdollars", spent.cost_micro},
          {"input_tokens", taken.input_tokens},
          {"cache_read_tokens", taken.cache_read_tokens},
          {"cache_write_tokens", taken.cache_write_tokens},
          {"output_tokens", taken.output_tokens},
          {"computed_ms", taken.computed_ms}};
}

struct Wanted {
  By by;
  std::int64_t since_ms;
};

Result<Wanted> parse(const net::Request& request, const TimeSource& time) {
  TRY(const By by, parse_by(request));
  TRY(const std::size_t days, query_number(request.query, "days", kDaysDefault, kDaysMax));
  if (days == 0) return field_error("days", "must be at least 1");
  const std::int64_t today = policy::period_of(unix_time<Millis>(time)).day_ms;
  return Wanted{by, today - (static_cast<std::int64_t>(days) - 1) * kDayMs};
}

Result<Json> costs(Workplace& with, const Wanted& wanted, std::uint64_t account, const Call& call) {
  store::Ledger ledger(*with.parts.store, with.parts.time);
  TRY(const auto lines, ledger.report(call, owner_of(account), wanted.by, wanted.since_ms));
  Json data = Json::array();
  for (const store::Spent& line : lines) data.push_back(line_json(line));
  return Json{{"object", "list"}, {"since", wanted.since_ms / 1'000}, {"data", std::move(data)}};
}

}  // namespace

void list_costs(Workplace& with, const net::Request& request, std::uint64_t account,
                const ExchangePtr& exchange) {
  if (!with.parts.store) return answer(*exchange, status_error(404, "this server keeps no ledger"));
  const auto wanted = parse(request, with.parts.time);
  if (!wanted.ok()) return answer(*exchange, http_error(wanted.error()));
  at_desk(with, exchange, [&with, wanted = wanted.value(), account, exchange] {
    const auto made = costs(with, wanted, account, Call::within(kStoreTimeout, exchange->stop()));
    made.ok() ? answer(*exchange, made.value()) : answer(*exchange, http_error(made.error()));
  });
}

}  // namespace hearth::api
