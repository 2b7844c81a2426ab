#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "chat/purpose.h"
#include "policy/price.h"

namespace hearth::policy {

/// The most that may be spent; absent: no bound.
struct Caps {
  std::optional<MicroDollars> day{}, month{};  // of everybody; days and months are UTC's
  std::optional<MicroDollars> session{};       // of one session, ever
  std::optional<MicroDollars> owner_day{};     // of one token, a day
  std::optional<MicroDollars> purpose_day[chat::kPurposes]{};
};

/// What was spent already, and what is promised to calls that run.
struct Spent {
  MicroDollars day = 0, month = 0;
  MicroDollars session = 0, owner_day = 0, purpose_day = 0;
};

/// The time that sums are made for.
struct Period {
  std::int64_t day_ms = 0, month_ms = 0;            // when they began, since 1970, UTC
  std::int64_t next_day_ms = 0, next_month_ms = 0;  // when they end
};
Period period_of(std::int64_t now_ms);

struct Standing {
  enum class Kind : std::uint8_t {
    Fine,
    Warn,  // from 80 % of a cap on
    Low,   // from 95 %: a cheaper model should be taken
  } kind = Kind::Fine;
  std::string text{};  // "85 % of the day's $5.00 are spent or promised"; empty when Fine
};

/// Whether a call that may cost `wanted` may be made: if no cap would be exceeded even then.
/// Errors: Denied; the sentence names the cap, what is spent of it, when it begins anew and the
/// setting that raises it, which is the field ("budget.day_max"). Pure.
Result<Standing> weigh(const Caps& caps, const Spent& spent, chat::Purpose purpose,
                       MicroDollars wanted, const Period& period);

}  // namespace hearth::policy
