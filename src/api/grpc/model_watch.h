#pragma once
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <thread>
#include <vector>

#include "api/api.h"
#include "base/mutex.h"

namespace hearth::api {

/// Somebody who waits for a model to be loaded or unloaded. Any thread.
class Waiter {
 public:
  virtual ~Waiter() = default;
  /// It is as it should be, or will not be. The first counts.
  virtual void settle(const Result<void>& how) = 0;
  virtual bool is_settled() const = 0;
};

/// Looks at the models' states, which tell nobody when they change: for those who wait for one, for
/// the health service, and to know since when each is loaded. One thread. Any thread may call.
class ModelWatch {
 public:
  static constexpr Millis kGlance{250};  // how soon the health service knows
  static constexpr Millis kLook{10};     // while somebody waits
  static constexpr Millis kWaitMax{600'000};

  /// `parts` outlives this.
  explicit ModelWatch(const Parts& parts) : parts_(parts) {}
  ~ModelWatch() { end(); }

  /// Begins to look. `tell` hears on the thread whether requests are answered: at first, and when
  /// that changes. It must not block. Call once.
  void begin(std::function<void(bool)> tell);
  /// Looks no more. Who still waits, or wants to, is told that the daemon is stopping.
  void end();

  enum class Aim : std::uint8_t { Loaded, Unloaded };
  /// Settles `waiter` once the model is so: Unavailable with the reason where it will not be,
  /// Timeout after kWaitMax. One that is settled by others is forgotten.
  void wait_for(model::Model& model, Aim aim, std::shared_ptr<Waiter> waiter);
  /// Since when it is loaded, in milliseconds since 1970; 0: it is not.
  std::int64_t loaded_since_ms(const model::Model& model);

 private:
  struct Wish {
    model::Model* model;
    Aim aim;
    std::shared_ptr<Waiter> waiter;
    Clock::time_point until;
  };

  void work(const std::stop_token& stop);
  void look();
  void note_states() EXCLUDES(mutex_);
  /// Settles it if it can be. True: it is settled.
  bool is_granted(const Wish& wish) const;

  const Parts& parts_;
  std::function<void(bool)> tell_{};
  Mutex mutex_;
  std::condition_variable_any changed_;
  std::vector<Wish> wishes_ GUARDED_BY(mutex_){};
  std::map<const model::Model*, std::int64_t> loaded_since_ms_ GUARDED_BY(mutex_){};
  bool ended_ GUARDED_BY(mutex_) = false;
  std::optional<bool> told_{};  // the thread's
  std::jthread thread_;         // last: it uses the others
};

}  // namespace hearth::api
