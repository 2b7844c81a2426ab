#pragma once
#include <atomic>
#include <memory>
#include <thread>

#include "base/mutex.h"
#include "engine/frames.h"
#include "engine/prompt/prompt_builder.h"
#include "engine/runtime/jobs.h"
#include "engine/runtime/loading.h"
#include "engine/runtime/outbox.h"
#include "engine/runtime/persistence.h"
#include "engine/runtime/scheduler.h"
#include "process/frame_channel.h"

namespace hearth::engine {

/// The inside of an engine process. The thread that calls run() reads requests, answers at once
/// what needs no computing and turns the rest into jobs; a second thread loads the model and then
/// schedules; a third sends.
class Engine {
 public:
  explicit Engine(std::unique_ptr<process::FrameChannel> channel);
  ~Engine();

  /// Serves until Unload or a closed socket (0), or a protocol error (1).
  int run();

 private:
  /// Everything that exists once a model is loaded.
  struct Served {
    explicit Served(LoadedModel loaded) : model(std::move(loaded)), prompts(model.model.get()) {}
    LoadedModel model;
    PromptBuilder prompts;
    std::unique_ptr<Persistence> persistence{};
    std::unique_ptr<Scheduler> scheduler{};
  };

  enum class Next : std::uint8_t { Read, End };
  Next answer(Load request);
  Next answer(Generate request);
  Next answer(Cancel request);
  Next answer(Embed request);
  Next answer(Tokenize request);
  Next answer(Detokenize request);
  Next answer(Stats request);
  Next answer(Unload request);
  Next answer(Identify request);

  void load_and_schedule(const Load& request);
  Result<std::unique_ptr<Served>> load(const Load& request);
  Result<std::shared_ptr<GenerateJob>> prepare(Generate request);
  Result<std::shared_ptr<EmbedJob>> prepare(Embed request);
  /// The model, once loaded. Errors: Unavailable.
  Result<Served*> served();

  std::unique_ptr<process::FrameChannel> channel_;
  Outbox outbox_;
  Jobs jobs_;
  Counters counters_;
  const Machine machine_;
  bool load_seen_ = false;                 // reader only
  std::unique_ptr<Served> loaded_;         // written once by the scheduler thread, before served_
  std::atomic<Served*> served_ = nullptr;  // for the reader
  std::jthread scheduler_;
};

}  // namespace hearth::engine
