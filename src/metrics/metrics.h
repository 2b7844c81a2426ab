#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/mutex.h"

namespace hearth::metrics {

using Labels = std::vector<std::pair<std::string, std::string>>;

/// Only goes up. Any thread.
class Counter {
 public:
  void add(std::uint64_t count = 1) { value_.fetch_add(count, std::memory_order_relaxed); }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// Goes up and down. Any thread.
class Gauge {
 public:
  void set(double value) { value_.store(value, std::memory_order_relaxed); }
  double value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

/// Counts observations in fixed buckets. Any thread.
class Histogram {
 public:
  /// `bounds`: upper edges, ascending; +Inf is added.
  explicit Histogram(std::vector<double> bounds);
  void observe(double value);
  const std::vector<double>& bounds() const { return bounds_; }
  std::vector<std::uint64_t> counts() const;  // one per bound and +Inf, not cumulative
  double sum() const { return sum_.load(std::memory_order_relaxed); }

 private:
  const std::vector<double> bounds_;
  std::vector<std::atomic<std::uint64_t>> counts_;
  std::atomic<double> sum_{0};
};

/// All metrics of one process, by name and labels. Handed out references stay valid as long as the
/// registry. Asking again for the same name and labels (in any order) gives the same object. The
/// same name with another type or other bounds, or a name that Prometheus refuses, is our bug. Any
/// thread. Labels come from fixed sets, never from a request: every new value lives as long as the
/// registry.
class Registry {
 public:
  Counter& counter(const std::string& name, const std::string& help, Labels labels = {});
  Gauge& gauge(const std::string& name, const std::string& help, Labels labels = {});
  Histogram& histogram(const std::string& name, const std::string& help, std::vector<double> bounds,
                       Labels labels = {});
  /// A gauge whose value is asked for when the text is made. `read` must not block or call the
  /// registry. Asking again replaces `read`.
  void gauge_from(const std::string& name, const std::string& help, Labels labels,
                  std::function<double()> read);

  /// Prometheus text exposition format 0.0.4.
  std::string text() const;

 private:
  enum class Type { Counter, Gauge, Histogram };
  struct Family;
  Family& family(const std::string& name, const std::string& help, Type type) REQUIRES(mutex_);

  mutable Mutex mutex_;
  std::map<std::string, std::shared_ptr<Family>> families_ GUARDED_BY(mutex_);
};

}  // namespace hearth::metrics
