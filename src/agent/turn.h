#pragma once
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "agent/audience.h"
#include "agent/session_state.h"
#include "agent/toolbox.h"
#include "base/call.h"
#include "base/result.h"
#include "base/time_source.h"
#include "model/model.h"
#include "store/inbox.h"
#include "store/store.h"
#include "store/transcript.h"
#include "store/turns.h"

namespace hearth::agent {

/// What turns are made with. All of it outlives them.
struct Parts {
  store::Store& store;
  const TimeSource& time;
  /// The model of this name, the first for "", or nullptr.
  std::function<model::Model*(std::string_view)> find_model;
  /// What a message asks of the model (Options::request) for its owner: sampling, bounds, the
  /// client's tools; without messages. A turn reads them again after a restart. Any thread.
  std::function<Result<chat::Request>(std::string_view request, const std::string& owner)>
      read_request;
  const Toolbox* toolbox = nullptr;  // Hearth's own tools; null: none
  std::uint32_t rounds_max = 8;      // of tools in one turn; then it answers with what it knows
  Millis turn_timeout{600'000};
};

/// What came with a message besides, as Offer::options.
struct Options {
  std::string model{};                // its name; empty: the first
  std::string request = "{}";         // for Parts::read_request
  std::vector<chat::Message> more{};  // further messages, behind the first
};
std::string options_text(const Options& options);
/// Errors: Corrupt.
Result<Options> read_options(const std::string& text);

/// One message in, one reply out: remember, think, act, repeat. A turn is what the transcript holds
/// of it: one that was cut off is begun again from there. One thread.
class Turn {
 public:
  /// How the caller wants it to stop, beside the Call: asked when the Call says stop.
  enum class Stop : std::uint8_t { Cancelled, ShuttingDown };
  using Why = std::function<Stop()>;
  using OnState = std::function<void(Event)>;

  Turn(const Parts& parts, store::Inbound message, Audience& audience, OnState on_state);

  enum class Outcome : std::uint8_t {
    Ended,   // written into the store together with what was said
    Parked,  // Running in the store: it goes on when somebody has decided
    Left     // Running in the store: it goes on after a restart
  };
  /// As far as it comes, which is told to the audience.
  Outcome run(const Call& call, const Why& why);

 private:
  struct Said {
    chat::Message message;
    chat::Finished finished;
  };

  Result<void> prepare(const Call& call);
  Result<void> read_history(const Call& call);
  Result<void> check_tools() const;
  Result<chat::Finished> work(const Call& call);
  enum class May : bool { Answer, CallTools };
  Result<Said> think(const Call& call, May may);
  Result<Said> ask_model(const Call& call, May may);
  chat::Finished note(const Said& said);
  enum class Whose : std::uint8_t { Ours, Clients };
  std::vector<chat::ToolCall> open_calls(Whose whose) const;
  Result<std::vector<chat::Question>> act(const Call& call);
  Result<void> save(const Call& call);
  bool is_ours(const chat::ToolCall& wanted) const;
  Result<void> make_room(const Call& call);
  chat::Request request(May may) const;
  void on_delta(const chat::Delta& delta);
  Outcome end_well(chat::Finished finished);
  Outcome end_badly(const Error& error, const Why& why);
  Result<void> commit(store::Inbound::State end, const std::string& reason);
  store::Entry entry(chat::Message message) const;

  const Parts& parts_;
  const store::Inbound message_;
  const std::uint32_t turn_;  // that it became
  Audience& audience_;
  const OnState on_state_;
  store::Transcript transcript_;
  store::Turns turns_;
  Options options_;
  chat::Request wanted_{};  // of options_, without messages
  model::Model* model_ = nullptr;
  std::vector<store::Entry> history_{};  // what the model is shown: earlier turns and this one
  std::vector<store::Entry> unsaved_{};  // of this turn, not in the transcript yet
  std::string said_{};                   // of the answer that is being generated
  std::map<std::uint32_t, std::uint32_t> shown_calls_{};  // of it: the client's own, renumbered
  std::uint32_t malformed_rounds_ = 0;                    // with calls that no tool takes
  chat::Usage usage_{};                                   // of all calls of the model
};

}  // namespace hearth::agent
