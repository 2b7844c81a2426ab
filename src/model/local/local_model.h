#pragma once
#include <memory>
#include <string>
#include <thread>

#include "base/time_source.h"
#include "config/config.h"
#include "engine/frames.h"
#include "metrics/metrics.h"
#include "model/model.h"
#include "process/child.h"

namespace hearth::model {

struct LocalOptions {
  std::string name;    // the id that clients use
  std::string path{};  // GGUF file; empty: Ember, the model inside this binary
  engine::LoadOptions load{};
  engine::SnapshotOptions snapshots{};
  std::uint32_t queue_max = 32;      // generations that may wait beside those in slots
  std::uint32_t queue_reserved = 0;  // places of all that no single account may take
  Millis token_timeout{60'000};      // between two events of a generation that has a slot
  Millis request_timeout{600'000};   // from acceptance to the end, waiting included
  Millis cancel_grace{30'000};       // an engine that ignores a Cancel for so long is killed
  Millis load_timeout{600'000};      // loading may make no progress for so long
  Millis ping_interval{10'000};  // an engine that says nothing is asked whether it is there; 0: not
  Millis ping_grace{20'000};     // and killed when it does not answer for so long
  std::string facts_file{};      // remembers fingerprints; empty: not
  process::SpawnOptions engine{.arguments = {"engine"}};  // how an engine process is started
};

/// The options that the configuration asks for. Errors: InvalidInput (model.kv_type).
Result<LocalOptions> local_options(const config::Config& config);

namespace local {
class Client;
class EngineInstruments;
}  // namespace local

/// A GGUF model in an engine process of its own. One thread (the engine client) starts the process,
/// loads the model, reads what the engine says and hands it to the sinks; one more computes the
/// file's SHA-256 once, at the lowest priority.
///
/// While the first engine loads, requests wait for it as they wait for a slot. An engine that ends
/// by itself is started again, at once the first time (requests wait for that one too), then after
/// 1, 2, 4 … 30 s (refused meanwhile); what it was doing fails with Unavailable. A model that
/// cannot be loaded stays Failed. The destructor ends the process and fails what still runs. Do
/// not destroy it inside on_event. It sees no images: start() refuses them (InvalidInput).
class LocalModel final : public Model {
 public:
  /// Returns at once; loading goes on (State::Loading). `time` and `metrics` must outlive the
  /// model. Errors: Unavailable (no thread can be started).
  static Result<std::unique_ptr<LocalModel>> open(LocalOptions options, const TimeSource& time,
                                                  metrics::Registry& metrics);
  ~LocalModel() override;

  const std::string& name() const override;
  State state() const override;
  std::string state_text() const override;
  engine::ModelFacts facts() const override;
  std::string numerics() const override;
  std::uint32_t context_tokens() const override;
  Result<std::unique_ptr<Generation>> start(chat::Request request,
                                            std::shared_ptr<EventSink> sink) override;
  Result<Embeddings> embed(const Call& call, std::vector<EmbedInput> inputs) override;
  Result<std::vector<chat::Token>> tokenize(const Call& call, std::string text, bool add_special,
                                            bool parse_special) override;
  Result<std::string> detokenize(const Call& call, std::vector<chat::Token> tokens) override;

  void refresh_metrics(const Call& call) override;
  /// The engine's counters. Errors: as tokenize().
  Result<engine::StatsReply> stats(const Call& call);

 private:
  LocalModel(std::shared_ptr<local::Client> client,
             std::unique_ptr<local::EngineInstruments> instruments);

  std::shared_ptr<local::Client> client_;  // shared with Generations, which may outlive the model
  const std::unique_ptr<local::EngineInstruments> instruments_;
  std::jthread reader_;  // the engine client
  std::jthread hasher_;
};

}  // namespace hearth::model
