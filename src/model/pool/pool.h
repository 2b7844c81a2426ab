#pragma once
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/time_source.h"
#include "metrics/metrics.h"
#include "model/model.h"

namespace hearth::model {

/// What a model's file says before it is loaded.
struct PoolFile {
  std::uint64_t memory_bytes = 0;  // that it takes when it is loaded
  engine::ModelFacts facts{};
  std::uint32_t context_tokens = 0;
  std::string trouble{};  // why it cannot be loaded; empty: it can
};

/// A model that a pool may load.
struct PoolEntry {
  std::string name;
  PoolFile file{};
  /// Looks at the file again, when somebody asks for a model that was in trouble. May be empty.
  std::function<PoolFile()> look{};
  /// Begins to load it and returns at once.
  std::function<Result<std::unique_ptr<Model>>()> open;
  std::uint64_t memory_bytes = 0;   // that it takes when it is loaded
  bool at_start = false;            // loaded by Pool::open()
  bool pinned = false;              // stays loaded, whatever others need
  Millis idle_timeout{0};           // unused for so long, it is unloaded; 0: it stays
  std::uint32_t queue_max = 32;     // requests that may wait for it to be loaded
  Millis request_timeout{600'000};  // how long one may wait for that
};

struct PoolOptions {
  std::uint64_t memory_bytes_max = 0;  // of all that are loaded
  Millis residence_min{5'000};         // a model in use is not unloaded for another sooner
  Millis linger{200};                  // one that was used just now neither
};

namespace pool {
class House;
}

/// Models that share the memory: loaded when somebody asks for one, unloaded when they are idle or
/// another is asked for (pool/plan.h says who). Requests for a model that is not loaded wait, in
/// the order they came, and are cancelled, bounded and timed out like those that wait for a slot.
/// A model that cannot be loaded refuses what waits for it, with the reason, and is tried again
/// when it is asked for 30 s later. One thread loads and unloads.
class Pool {
 public:
  /// `time` and `metrics` must outlive the pool. Errors: InvalidInput (two of one name; a model
  /// that is loaded at the start does not fit beside the others, names both sizes), Unavailable (no
  /// thread can be started).
  static Result<std::unique_ptr<Pool>> open(std::vector<PoolEntry> entries, PoolOptions options,
                                            const TimeSource& time, metrics::Registry& metrics);
  /// Ends all models and fails what still runs. Generations may outlive it.
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  /// In the order of the entries; as long as the pool lives.
  std::vector<Model*> models() const;

 private:
  explicit Pool(std::shared_ptr<pool::House> house);

  std::shared_ptr<pool::House> house_;  // shared with generations
  std::vector<std::unique_ptr<Model>> models_{};
  std::jthread keeper_{};
};

}  // namespace hearth::model
