#pragma once
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "agent/answerer.h"
#include "agent/audience.h"
#include "agent/parts.h"
#include "agent/session_state.h"
#include "agent/talk.h"
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
    Left     // Running in the store: it goes on later, in this process or the next
  };
  /// As far as it comes, which is told to the audience.
  Outcome run(const Call& call, const Why& why);
  /// Behind an end: what makes the session's next turn short, while nobody waits for anything. What
  /// goes wrong with it costs time later and nothing else.
  void rest(const Call& call);

 private:
  struct Said {
    chat::Message message;
    chat::Finished finished;
  };

  Result<void> prepare(const Call& call);
  Result<void> set_moment(const Call& call);
  Result<void> check_tools() const;
  chat::Request all_that_was_said() const;
  void speak_with(model::Model& model);
  bool turn_to_another(const Error& error);
  Result<chat::Finished> work(const Call& call);
  enum class May : bool { Answer, CallTools };
  Result<Said> think(const Call& call, May may);
  Result<Said> ask_model(const Call& call, May may);
  void keep_journal(const Call& call, const chat::Request& asked, const model::Answer& answer);
  std::uint32_t rounds_made() const;
  Result<void> drop_calls(Said& said) const;
  void make_ids_unique(Said& said) const;
  chat::Finished note(const Said& said);
  void keep_tokens(const chat::Trace& trace, store::Entry& entry);
  enum class Whose : std::uint8_t { Ours, Clients };
  std::vector<chat::ToolCall> open_calls(Whose whose) const;
  Result<std::vector<chat::Question>> act(const Call& call);
  void repeat_clients_calls();
  Result<void> save(const Call& call);
  bool is_ours(const chat::ToolCall& wanted) const;
  Result<void> make_room(const Call& call);
  chat::Request request(May may) const;
  void add(store::Entry entry);
  std::vector<store::Entry> unsaved() const;
  void tell_notes(const Call& call, chat::Finished& finished);
  void on_started(const chat::Started& started);
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
  Answerer answerer_{};
  model::Model* model_ = nullptr;    // the answerer's
  Talk talk_;                        // earlier turns and this one
  std::size_t unsaved_ = 0;          // entries at the end of it that are not in the transcript yet
  std::string tail_{};               // of the prompt, for this turn alone
  std::vector<chat::Token> seen_{};  // in this turn, tail included: prompt and answers so far
  bool keeps_tokens_ = true;         // every answer of this turn so far has kept its own
  std::int64_t day_ = 0;             // when it was begun, or went on: as chat::Request
  bool goes_on_ = false;             // what the model answered before was said in another process
  bool had_tail_ = false;            // what the model has computed is not what is kept
  std::string said_{};               // of the answer that is being generated
  std::map<std::uint32_t, std::uint32_t> shown_calls_{};  // of it: the client's own, renumbered
  std::uint32_t malformed_rounds_ = 0;                    // with calls that no tool takes
  chat::Usage usage_{};                                   // of all calls of the model
  std::int64_t cost_micro_ = 0;                           // likewise
};

}  // namespace hearth::agent
