#pragma once
#include <memory>
#include <vector>

#include "base/result.h"
#include "engine/runtime/jobs.h"
#include "engine/runtime/loading.h"

namespace hearth::engine {

/// Turns texts into vectors, a batch at a time, so that generations go on in between. Makes its own
/// context when it is first needed. Scheduler thread. The model must outlive it.
///
/// A decoder's outputs are pooled here, as they come, so that an input of any length takes the
/// memory of one prompt chunk; an encoder sees a whole input at once, and llama.cpp pools it.
class Embedder {
 public:
  explicit Embedder(const LoadedModel& model);
  ~Embedder();

  /// The most tokens one input may have.
  static std::uint32_t tokens_max(const LoadedModel& model);
  /// Refuses what cannot be done, before it is queued. Errors: InvalidInput (no inputs, an empty
  /// one, one that is too long: names both numbers), TooLarge (the vectors would not fit into one
  /// reply).
  static Result<void> check(const LoadedModel& model,
                            const std::vector<std::vector<llama_token>>& inputs);

  /// Takes up a checked job; the one before must have ended. Errors: Unavailable (no memory).
  Result<void> begin(std::shared_ptr<EmbedJob> job);
  bool is_busy() const { return job_ != nullptr; }
  const std::shared_ptr<EmbedJob>& job() const { return job_; }
  /// Computes one batch. True when the last input is done. Errors: Cancelled, Internal.
  Result<bool> step(std::uint32_t threads, ggml_abort_callback stop, void* stop_data);
  /// The vectors, one per input, each of length 1; ends the job.
  std::vector<std::vector<float>> take();
  /// Ends the job without a result.
  void drop();

 private:
  enum class Pooling : std::uint8_t { Mean, First, Last };
  struct Place {  // of one token of the batch
    std::size_t input = 0;
    std::uint32_t position = 0;
  };
  Result<void> make_context();
  void fill_batch();
  void collect();
  void collect_token(const Place& place, const float* output);
  void finish_input(std::size_t input);

  const LoadedModel& model_;
  const Pooling pooling_;
  llama_context_ptr context_;
  llama_batch batch_{};
  std::uint32_t batch_tokens_max_ = 0;
  std::shared_ptr<EmbedJob> job_;
  std::size_t next_input_ = 0;       // the first input that is not wholly in a batch yet
  std::uint32_t next_position_ = 0;  // of that input
  std::vector<Place> places_;
  std::vector<std::vector<double>> sums_;  // one per input
};

}  // namespace hearth::engine
