#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/call.h"
#include "base/result.h"
#include "chat/generation.h"
#include "engine/model_facts.h"

namespace hearth::model {

/// Receives what one generation produces, in order: Started, Delta…, then one Finished or Failed.
/// Called on a thread of the model's or inside cancel(), never two at a time for one sink. Must not
/// block. A sink that throws is logged, its generation cancelled, and it gets Failed{Internal}.
class EventSink {
 public:
  virtual ~EventSink() = default;
  virtual void on_event(const chat::Event& event) = 0;
};

/// A generation that was accepted. Destroying it cancels what still runs, without a further event.
/// After cancel() or the destructor returns, no on_event is running and none will come. Do not hold
/// a lock that on_event takes while calling either. Both may be called inside on_event: they return
/// at once then, and the one that runs is the last (after cancel(), Failed{Cancelled} follows it).
/// May outlive its model.
class Generation {
 public:
  virtual ~Generation() = default;
  /// Stops the work within one decode step. The sink gets Failed{Cancelled}, on this thread and
  /// before this returns, unless it ended before. Any thread, any number of times.
  virtual void cancel() = 0;
};

struct Embeddings {
  std::vector<std::vector<float>> vectors;  // one per input, length 1
  std::uint32_t prompt_tokens = 0;
};
using EmbedInput = std::variant<std::string, std::vector<chat::Token>>;

enum class State : std::uint8_t { Loading, Ready, Restarting, Failed, Unloaded };

/// A source of text. Behind it: local/ (an engine process), remote/ (a provider), fake/ (a script).
/// Every method may be called from any thread.
class Model {
 public:
  virtual ~Model() = default;

  /// The id that requests name ("ember").
  virtual const std::string& name() const = 0;
  virtual State state() const = 0;
  /// A sentence for people: "loading, 42 %", "engine crashed, restarting in 2 s"; empty when Ready,
  /// and when Unloaded unless the last load failed: a request loads it.
  virtual std::string state_text() const = 0;
  /// What the file says; the fingerprint is empty until it has been computed.
  virtual engine::ModelFacts facts() const = 0;
  /// What the bits of its replies depend on beside the file (KV type, instructions); empty:
  /// unknown.
  virtual std::string numerics() const { return ""; }
  /// Most tokens of prompt and answer together; 0 before it was loaded.
  virtual std::uint32_t context_tokens() const = 0;

  /// Queues one generation and returns at once; also while the model loads. The sink lives until
  /// its last event; the first may come before this returns. Errors: Busy (32 wait already, or as
  /// many of one account as may), Unavailable (failed, or restarting after a pause; says why),
  /// InvalidInput (a bound of chat/generation.h; names the field), TooLarge. What is found wrong
  /// later (prompt longer than the context, a bad grammar) arrives as chat::Failed.
  virtual Result<std::unique_ptr<Generation>> start(chat::Request request,
                                                    std::shared_ptr<EventSink> sink) = 0;

  /// Errors: InvalidInput, TooLarge, Busy, Timeout, Cancelled, Unavailable.
  virtual Result<Embeddings> embed(const Call& call, std::vector<EmbedInput> inputs) = 0;
  virtual Result<std::vector<chat::Token>> tokenize(const Call& call, std::string text,
                                                    bool add_special, bool parse_special) = 0;
  virtual Result<std::string> detokenize(const Call& call, std::vector<chat::Token> tokens) = 0;
  /// How many tokens plain text is; of a model elsewhere: about. Errors: those of tokenize().
  virtual Result<std::size_t> count_tokens(const Call& call, std::string text) {
    TRY(const auto tokens, tokenize(call, std::move(text), false, false));
    return tokens.size();
  }
  /// True if it is loaded when somebody asks for it, and need not be for the daemon to be ready.
  virtual bool is_on_demand() const { return false; }
  /// Asks for it to be loaded soon, or to leave memory once it has ended what it does; both return
  /// at once. Errors: InvalidInput (it is always loaded, or must be), Unavailable (it cannot be).
  virtual Result<void> load() { return ok(); }
  virtual Result<void> unload() {
    return Error{Code::InvalidInput, "model '" + name() + "' cannot be unloaded", "model"};
  }
  /// Who would answer a request, and what the request should say of that.
  struct Choice {
    Model* model = nullptr;
    std::optional<chat::Route> route{};  // absent: it was named
    bool another_waits = false, cheaper_waits = false;
  };
  /// Itself, unless its name stands for a choice; only then is `request` called, which may be dear.
  /// Those that have `failed` already are left out; a null model: nobody is left.
  virtual Choice choose(const std::function<chat::Request()>& /*request*/,
                        const std::vector<Model*>& failed) {
    return {.model = failed.empty() ? this : nullptr};
  }
  /// How one that it has chosen has answered; null: well.
  virtual void learn(Model& /*chosen*/, const Error* /*failed*/) {}
  /// Whether it computes on this machine, so that what was computed once need not be again.
  virtual bool is_local() const { return true; }
  /// Brings those metrics up to date that only the engine can tell. Blocks until it has answered or
  /// `call` ends; what cannot be had stays as it was.
  virtual void refresh_metrics(const Call&) {}
};

/// Whether another model may do what one could not: that did not lie in the question.
inline bool may_another(const Error& error) {
  return error.code != Code::InvalidInput && error.code != Code::Cancelled;
}

/// A whole answer: the assistant's message, and how it began and ended.
struct Answer {
  chat::Message message;
  chat::Finished finished;
  chat::Started started{};
};

/// Generates and blocks until the end; for callers that own a thread. `on_event` is told of
/// Started and each Delta, on the model's thread and never after this has returned. When `call`
/// ends first, the work is cancelled. Errors: those of start() and of chat::Failed, Timeout,
/// Cancelled.
Result<Answer> generate(const Call& call, Model& model, chat::Request request,
                        std::function<void(const chat::Event&)> on_event = {});

}  // namespace hearth::model
