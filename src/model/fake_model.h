#pragma once
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "model/model.h"

namespace hearth::model {

/// What a FakeModel says to one request: Started, the pieces, the calls, then the end.
struct FakeReply {
  std::vector<std::string> pieces{};  // a Delta each; may split a word, never a UTF-8 character
  std::vector<chat::ToolCall> tool_calls{};  // two Deltas each: id and name, then the arguments
  std::string reasoning{};                   // a Delta before the pieces
  std::optional<Error> error{};              // ends with Failed instead of Finished
  bool manual = false;                       // every event waits for FakeModel::step()
  std::vector<std::string> loosened{};       // of Started
};

/// A reply for the requests whose last user message (or whose plain text) is exactly `said`;
/// "" fits every request. The first rule that fits counts.
struct FakeRule {
  std::string said;
  FakeReply reply;
};

/// A model that follows a script: deterministic, no engine process. For tests of the rooms above.
///
/// A token is a byte for tokenize(), detokenize() and in usage.prompt_tokens (all bytes of all
/// contents); a piece or a call is one completion token. Request::tokens_max cuts the pieces
/// (Length), stop strings end them, top_logprobs adds one choice of logprob -0.5 to each piece.
/// embed() gives vectors of 8 numbers and length 1 that depend on the input's bytes alone.
/// A request that no rule fits ends with Failed{InvalidInput}.
class FakeModel final : public Model {
 public:
  struct Options {
    std::string name = "fake";
    std::vector<FakeRule> rules{};
    std::uint32_t context_tokens = 2'048;  // a longer prompt ends with Failed{TooLarge}
    std::size_t generations_max = 36;      // one more at a time is Busy
  };
  explicit FakeModel(Options options);
  ~FakeModel() override;

  /// Delivers the next `events` events of manual generations, oldest generation first, and returns
  /// once they are delivered. Fewer if no more are left; returns how many.
  std::size_t step(std::size_t events = 1);
  /// Ready at first. Anything else makes every method fail with Unavailable and `text`.
  void set_state(State state, std::string text);
  /// Ends every running generation with Failed{error}, as a crashed engine does.
  void fail_all(const Error& error);
  /// Every request that start() accepted, oldest first.
  std::vector<chat::Request> requests() const;
  /// Generations that have not had their last event and were not cancelled.
  std::size_t running() const;
  /// Generations that were cancelled or destroyed before their end.
  std::size_t cancelled() const;

  const std::string& name() const override;
  State state() const override;
  std::string state_text() const override;
  engine::ModelFacts facts() const override;
  std::uint32_t context_tokens() const override;
  Result<std::unique_ptr<Generation>> start(chat::Request request,
                                            std::shared_ptr<EventSink> sink) override;
  Result<Embeddings> embed(const Call& call, std::vector<EmbedInput> inputs) override;
  Result<std::vector<chat::Token>> tokenize(const Call& call, std::string text, bool add_special,
                                            bool parse_special) override;
  Result<std::string> detokenize(const Call& call, std::vector<chat::Token> tokens) override;

 private:
  class Stage;
  std::shared_ptr<Stage> stage_;  // shared with Generations, which may outlive the model
};

}  // namespace hearth::model
