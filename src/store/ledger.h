#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/call.h"
#include "base/result.h"
#include "base/time_source.h"
#include "chat/purpose.h"
#include "store/store.h"

namespace hearth::store {

/// Whose call of a model it is, and what for.
struct Expense {
  std::string owner;
  std::string session_id{};  // empty: none
  chat::Purpose purpose = chat::Purpose::Chat;
  std::string provider{};  // "local": a model of this machine, which costs nothing
  std::string model{};
};

/// What a call took.
struct Consumption {
  std::uint64_t input_tokens = 0, cache_read_tokens = 0, cache_write_tokens = 0, output_tokens = 0;
  std::uint64_t computed_ms = 0;  // of this machine's time
};

/// Money in millionths of a dollar: spent, lost or promised to calls that run.
struct Totals {
  std::int64_t day_micro = 0, month_micro = 0, session_micro = 0;
  std::int64_t owner_day_micro = 0, purpose_day_micro = 0;
};

/// When the sums begin, since 1970, UTC.
struct Since {
  std::int64_t day_ms = 0, month_ms = 0;
};

/// One line of a report.
struct Spent {
  std::string key{};  // a model ("provider/model"), a session, or a day ("2026-11-28", UTC)
  std::uint64_t calls = 0;
  std::int64_t cost_micro = 0;
  Consumption consumption{};
};

/// Why no money may be spent now.
struct Stopped {
  std::int64_t since_ms = 0;
  std::string why;
};

/// What calls of models cost. Before a call of a provider the most that it may cost is reserved;
/// behind it stands what it did cost. Calls that run count with what they may cost, so that many at
/// a time exceed no cap. Any thread; the store and the clock must outlive it. Errors besides those
/// named: those of Writer::write and Readers::read.
class Ledger {
 public:
  static constexpr std::size_t kNameBytesMax = 256;  // of provider, model, owner, session
  static constexpr std::size_t kWhyBytesMax = 512;
  static constexpr std::size_t kReportMax = 10'000;  // lines

  Ledger(Store& store, const TimeSource& time) : store_(store), time_(time) {}

  /// Says whether as much may be spent; gets the totals as they are at that moment, with nobody
  /// in between. Runs in the writer's transaction: pure.
  using Decide = std::function<Result<void>(const Totals&)>;
  /// On disk when it returns. Errors: those of `decide`; Denied (spending is stopped: since when,
  /// why, and how to go on); TooLarge (a name); InvalidInput (`worst_micro`: negative).
  Result<std::int64_t> reserve(const Call& call, const Expense& expense, std::int64_t worst_micro,
                               const Since& since, const Decide& decide);
  /// The same for several at once, which wait for the disk together. Each sees what those before
  /// it were given. Errors: those of the whole; those of one stand in its place.
  struct Wanted {
    Expense expense{};
    std::int64_t worst_micro = 0;
    Since since{};
    Decide decide{};
  };
  Result<std::vector<Result<std::int64_t>>> reserve(const Call& call,
                                                    const std::vector<Wanted>& wanted);
  /// What it did cost. More than was reserved is what it is: the provider has counted. May be lost
  /// with the power; then the most stands there, as settle_lost() says. Errors: NotFound,
  /// InvalidInput (it is not reserved any more; negative).
  Result<void> settle(const Call& call, std::int64_t id, std::int64_t cost_micro,
                      const Consumption& consumption);
  /// It was never made, and costs nothing. Errors: as settle().
  Result<void> release(const Call& call, std::int64_t id);
  /// Calls that an earlier process did not settle: nobody knows what they cost, so it is the most.
  /// Gives how many.
  Result<std::size_t> settle_lost(const Call& call);

  /// A call that costs nothing: of a model of this machine, or of a provider that is free. May be
  /// lost with the power. Errors: TooLarge.
  Result<void> record_free(const Call& call, const Expense& expense,
                           const Consumption& consumption);

  Result<Totals> totals(const Call& call, const Expense& expense, const Since& since);
  enum class By : std::uint8_t { Model, Session, Day };
  /// An owner's, since a time: the dearest first, then the most tokens; days in their order. At
  /// most kReportMax.
  Result<std::vector<Spent>> report(const Call& call, const std::string& owner, By by,
                                    std::int64_t since_ms);

  /// The kill switch. On disk when it returns, and in force for every reserve() from then on;
  /// stopping twice keeps the first reason. Errors: TooLarge (`why`).
  Result<void> stop(const Call& call, const std::string& why);
  Result<void> go_on(const Call& call);
  Result<std::optional<Stopped>> stopped(const Call& call);
  /// What is told to whom it refuses. `why`: may be empty.
  static Error stopped_error(const std::string& why);

 private:
  Result<void> end(const Call& call, std::int64_t id, const char* state, std::int64_t cost_micro,
                   const Consumption& consumption);

  Store& store_;
  const TimeSource& time_;
};

}  // namespace hearth::store
