#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/call.h"
#include "base/result.h"
#include "base/time_source.h"
#include "store/store.h"

namespace hearth::store {

/// What running a tool does to the world, from the harmless to what cannot be taken back.
enum class EffectClass : std::uint8_t { Reads, Writes, Runs, Sends };
const char* effect_class_name(EffectClass effect);

/// One call of a tool in a turn.
struct ToolRun {
  std::string session_id;
  std::uint32_t turn = 0;
  std::string call_id;  // unique in the turn
  std::string tool;
  std::string arguments;  // JSON
  EffectClass effect = EffectClass::Reads;
};

/// A call, and what became of it.
struct Effect {
  enum class State : std::uint8_t {
    Intended,  // written down; may be running
    Done,
    Failed,    // the tool said so
    Uncertain  // a crash came between: it may have happened, or in part, or not
  };
  std::int64_t id = 0;
  ToolRun run;
  State state = State::Intended;
  std::string result{};  // of Done; why, of Failed
  std::int64_t created_ms = 0;
  std::optional<std::int64_t> ended_ms{};
};
const char* effect_state_name(Effect::State state);
/// What the transcript says of a call and the model is told: its result, why it failed, or that
/// nobody knows.
std::string shown(const Effect& effect);

/// What tools did, written down before they do it, so that nothing is done twice unseen. Any
/// thread; the store and the clock must outlive it. Errors besides those named: those of
/// Writer::write and Readers::read.
class Effects {
 public:
  static constexpr std::size_t kTextBytesMax = std::size_t{1} << 20;  // arguments; result: cut
  static constexpr std::size_t kNameBytesMax = 256;                   // tool, call_id
  static constexpr std::size_t kListMax = 1'000;

  struct Begun {
    Effect effect;
    bool may_run = true;  // false: it ran, or may have; show what `effect` says instead
  };

  Effects(Store& store, const TimeSource& time) : store_(store), time_(time) {}

  /// On disk when it returns, and only then may the tool run; not so for what only reads, which may
  /// be lost with the power because it can be done again. A call that is known gives the row of
  /// then: a turn that is done again takes its results and repeats only reads that were cut off.
  /// Errors: NotFound (no such session), InvalidInput (`call_id`: empty, or it was another call
  /// before; `tool`: empty), TooLarge (a bound above, with its field).
  Result<Begun> intend(const Call& call, const ToolRun& run);
  /// Intended to Done, to Failed or, when it was stopped half way, to Uncertain. On disk when it
  /// returns, unless `effect` says that it only read. Errors: NotFound, InvalidInput (it has
  /// ended).
  Result<void> finish(const Call& call, std::int64_t id, const std::string& result,
                      EffectClass effect = EffectClass::Writes);
  Result<void> fail(const Call& call, std::int64_t id, const std::string& why,
                    EffectClass effect = EffectClass::Writes);
  Result<void> doubt(const Call& call, std::int64_t id);

  /// At a start, before any tool runs: whatever is Intended and more than a read is Uncertain from
  /// now on. Gives how many that were.
  Result<std::size_t> mark_uncertain(const Call& call);
  static Result<std::size_t> mark_uncertain_within(Database& database, std::int64_t now_ms);
  /// The same of one turn, when it ends.
  static Result<void> mark_uncertain_within(Database& database, const std::string& session_id,
                                            std::uint32_t turn, std::int64_t now_ms);

  /// Those of a turn, in the order of their beginning; the first kListMax.
  Result<std::vector<Effect>> of_turn(const Call& call, const std::string& session_id,
                                      std::uint32_t turn);
  static Result<std::vector<Effect>> of_turn_within(Database& database,
                                                    const std::string& session_id,
                                                    std::uint32_t turn);

 private:
  Result<void> end(const Call& call, std::int64_t id, Effect::State end, const std::string& result,
                   EffectClass effect);
  Store& store_;
  const TimeSource& time_;
};

}  // namespace hearth::store
