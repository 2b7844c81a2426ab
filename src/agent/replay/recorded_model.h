#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/replay/recording.h"
#include "model/forwarding.h"

namespace hearth::agent {

/// A call of the model that was made again.
struct Remade {
  Round then, now;
  chat::Message said_then, said_now;
  std::vector<chat::Token> tokens_then{}, tokens_now{};  // prompt and answer; empty: not known
};

/// A model that is asked what it was asked in a recorded turn, with the seeds, the day and the tail
/// of then, and whose calls get the ids of then. Behind the first answer that is another one, and
/// behind the last, it refuses with Cancelled. One thread asks it; recording and model must outlive
/// it.
class RecordedModel final : public model::Forwarding {
 public:
  RecordedModel(const Recording& recording, model::Model& model);
  ~RecordedModel() override;

  /// A turn begins or goes on with the next call.
  void go_on() { may_begin_ = true; }
  /// The calls so far. Not while one runs.
  const std::vector<Remade>& remade() const { return remade_; }
  /// The last one came to something else, or all have been made.
  bool is_over() const;

  Result<std::unique_ptr<model::Generation>> start(chat::Request request,
                                                   std::shared_ptr<model::EventSink> sink) override;

 private:
  class Listener;
  void note(const chat::Request& asked, const model::Answer& answer);
  const chat::Message& said(std::size_t round) const;

  const Recording& recording_;
  bool may_begin_ = false;
  std::vector<Remade> remade_{};
};

/// Whether both came to the same, bit by bit.
bool is_same_prompt(const Remade& remade);
bool is_same_answer(const Remade& remade);

}  // namespace hearth::agent
