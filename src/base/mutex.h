#pragma once
#include <condition_variable>
#include <mutex>

#if defined(__clang__)
#define HEARTH_THREAD_(x) __attribute__((x))
#else
#define HEARTH_THREAD_(x)
#endif
/// Clang's thread-safety annotations; no-ops elsewhere.
/// Source: clang.llvm.org/docs/ThreadSafetyAnalysis.html
#define CAPABILITY(x) HEARTH_THREAD_(capability(x))
#define SCOPED_CAPABILITY HEARTH_THREAD_(scoped_lockable)
#define GUARDED_BY(x) HEARTH_THREAD_(guarded_by(x))
#define REQUIRES(...) HEARTH_THREAD_(requires_capability(__VA_ARGS__))
#define ACQUIRE(...) HEARTH_THREAD_(acquire_capability(__VA_ARGS__))
#define RELEASE(...) HEARTH_THREAD_(release_capability(__VA_ARGS__))
#define TRY_ACQUIRE(...) HEARTH_THREAD_(try_acquire_capability(__VA_ARGS__))
#define EXCLUDES(...) HEARTH_THREAD_(locks_excluded(__VA_ARGS__))
#define NO_THREAD_SAFETY_ANALYSIS HEARTH_THREAD_(no_thread_safety_analysis)

namespace hearth {

/// std::mutex that Clang can reason about. Works with std::condition_variable_any.
class CAPABILITY("mutex") Mutex {
 public:
  void lock() ACQUIRE() { mutex_.lock(); }
  void unlock() RELEASE() { mutex_.unlock(); }
  bool try_lock() TRY_ACQUIRE(true) { return mutex_.try_lock(); }

 private:
  std::mutex mutex_;
};

/// Holds a Mutex for a scope. Waits on a std::condition_variable_any pass the Mutex itself:
/// `changed_.wait(mutex_)` inside a `while (!condition)` loop, which the analysis can follow.
class SCOPED_CAPABILITY MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
  ~MutexLock() RELEASE() { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

}  // namespace hearth
