#include "policy/budget.h"

#include <algorithm>
#include <chrono>
#include <cstdio>

namespace hearth::policy {
namespace {

constexpr int kWarnPercent = 80, kLowPercent = 95;

/// One cap, and how it stands.
struct Line {
  const char* setting;  // "budget.day_max"
  std::string what;     // "the day's"
  std::optional<MicroDollars> cap;
  MicroDollars spent;
  std::int64_t renewed_ms;  // 0: never
};

std::int64_t ms_of(std::chrono::sys_days day) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(day.time_since_epoch()).count();
}

/// "2026-12-01 00:00 UTC"
std::string time_text(std::int64_t ms) {
  const std::chrono::sys_time<std::chrono::milliseconds> time{std::chrono::milliseconds(ms)};
  const std::chrono::year_month_day day{std::chrono::floor<std::chrono::days>(time)};
  char text[40];
  std::snprintf(text, sizeof text, "%04d-%02u-%02u 00:00 UTC", static_cast<int>(day.year()),
                static_cast<unsigned>(day.month()), static_cast<unsigned>(day.day()));
  return text;
}

Error refusal(const Line& line, MicroDollars wanted) {
  const std::string renewed =
      line.renewed_ms > 0 ? "It begins anew at " + time_text(line.renewed_ms) + ". " : "";
  return {Code::Denied,
          "this call may cost " + dollars_text(wanted) + ", and of " + line.what + " " +
              dollars_text(*line.cap) + " " + dollars_text(line.spent) +
              " are spent or promised. " + renewed + "To raise it, set " + line.setting +
              "; a smaller max_tokens needs less of it",
          line.setting};
}

int percent(MicroDollars spent, MicroDollars cap) {
  return cap == 0 ? 100 : static_cast<int>(std::min<MicroDollars>(spent * 100 / cap, 1'000));
}

}  // namespace

Period period_of(std::int64_t now_ms) {
  using namespace std::chrono;
  const sys_time<milliseconds> now{milliseconds(now_ms)};
  const sys_days today = floor<days>(now);
  const year_month_day date{today};
  const year_month next = year_month(date.year(), date.month()) + months(1);
  return {.day_ms = ms_of(today),
          .month_ms = ms_of(sys_days(date.year() / date.month() / 1)),
          .next_day_ms = ms_of(today + days(1)),
          .next_month_ms = ms_of(sys_days(next / 1))};
}

Result<Standing> weigh(const Caps& caps, const Spent& spent, chat::Purpose purpose,
                       MicroDollars wanted, const Period& period) {
  const std::string name = chat::purpose_name(purpose);
  const std::string kind_setting = "budget." + name + "_day_max";
  const Line lines[] = {
      {"budget.day_max", "the day's", caps.day, spent.day, period.next_day_ms},
      {"budget.month_max", "the month's", caps.month, spent.month, period.next_month_ms},
      {"budget.session_max", "the session's", caps.session, spent.session, 0},
      {"budget.token_day_max", "this token's day's", caps.owner_day, spent.owner_day,
       period.next_day_ms},
      {kind_setting.c_str(), "the day's for " + name,
       caps.purpose_day[static_cast<std::size_t>(purpose)], spent.purpose_day, period.next_day_ms}};
  Standing standing;
  int most = 0;
  for (const Line& line : lines) {
    if (!line.cap) continue;
    if (line.spent + wanted > *line.cap) return refusal(line, wanted);
    const int now = percent(line.spent + wanted, *line.cap);
    if (now < kWarnPercent || now <= most) continue;
    most = now;
    standing.kind = now >= kLowPercent ? Standing::Kind::Low : Standing::Kind::Warn;
    standing.text = std::to_string(now) + " % of " + line.what + " " + dollars_text(*line.cap) +
                    " are spent or promised";
  }
  return standing;
}

}  // namespace hearth::policy
