#include "metrics/metrics.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <functional>

#include "base/check.h"

namespace hearth::metrics {
namespace {

std::vector<double> checked(std::vector<double> bounds) {
  for (const double bound : bounds) HEARTH_CHECK(std::isfinite(bound), "+Inf is added by itself");
  const bool ascending =
      std::adjacent_find(bounds.begin(), bounds.end(), std::greater_equal<>()) == bounds.end();
  HEARTH_CHECK(ascending, "histogram bounds ascend");
  return bounds;
}

bool is_name(std::string_view name, std::string_view also_allowed) {
  const auto is_letter = [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           also_allowed.find(c) != std::string_view::npos;
  };
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  return !name.empty() && is_letter(name.front()) &&
         std::all_of(name.begin(), name.end(), [&](char c) { return is_letter(c) || is_digit(c); });
}

/// Backslash and line feed, and in label values the quote. Source: exposition format 0.0.4.
std::string escaped(std::string_view text, bool quotes) {
  std::string safe;
  for (const char c : text) {
    if (c == '\\') {
      safe += "\\\\";
    } else if (c == '\n') {
      safe += "\\n";
    } else if (c == '"' && quotes) {
      safe += "\\\"";
    } else {
      safe += c;
    }
  }
  return safe;
}

std::string number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  std::array<char, 32> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  return {digits.data(), end.ptr};
}

/// {method="GET",le="0.5"}, or nothing.
std::string label_text(const Labels& labels, std::string_view le = {}) {
  std::string text;
  for (const auto& [name, value] : labels) {
    text += (text.empty() ? "" : ",") + name + "=\"" + escaped(value, true) + "\"";
  }
  if (!le.empty()) text += (text.empty() ? "le=\"" : ",le=\"") + std::string(le) + "\"";
  return text.empty() ? text : "{" + text + "}";
}

Labels normal(Labels labels) {
  std::sort(labels.begin(), labels.end());
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const auto& name = labels[i].first;
    HEARTH_CHECK(is_name(name, "") && !name.starts_with("__") && name != "le", "a label's name");
    HEARTH_CHECK(i == 0 || labels[i - 1].first != name, "one value per label");
  }
  return labels;
}

}  // namespace

Histogram::Histogram(std::vector<double> bounds)
    : bounds_(checked(std::move(bounds))), counts_(bounds_.size() + 1) {}

void Histogram::observe(double value) {
  if (std::isnan(value)) return;  // it would make the sum useless for ever
  const auto bucket = std::lower_bound(bounds_.begin(), bounds_.end(), value) - bounds_.begin();
  counts_[static_cast<std::size_t>(bucket)].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(value, std::memory_order_relaxed);
}

std::vector<std::uint64_t> Histogram::counts() const {
  std::vector<std::uint64_t> counts;
  for (const auto& count : counts_) counts.push_back(count.load(std::memory_order_relaxed));
  return counts;
}

struct Registry::Family {
  Type type = Type::Counter;
  std::string help{};
  std::vector<double> bounds{};
  std::map<Labels, std::unique_ptr<Counter>> counters{};
  std::map<Labels, std::unique_ptr<Gauge>> gauges{};
  std::map<Labels, std::function<double()>> readers{};
  std::map<Labels, std::unique_ptr<Histogram>> histograms{};

  const char* type_name() const {
    switch (type) {
      case Type::Counter: return "counter";
      case Type::Gauge: return "gauge";
      case Type::Histogram: return "histogram";
    }
    return "untyped";
  }

  void add_text(const std::string& name, std::string& text) const {
    text += "# HELP " + name + " " + escaped(help, false) + "\n";
    text += "# TYPE " + name + " " + type_name() + "\n";
    for (const auto& [labels, counter] : counters) {
      text += name + label_text(labels) + " " + std::to_string(counter->value()) + "\n";
    }
    for (const auto& [labels, gauge] : gauges) {
      text += name + label_text(labels) + " " + number(gauge->value()) + "\n";
    }
    for (const auto& [labels, read] : readers) {
      text += name + label_text(labels) + " " + number(read()) + "\n";
    }
    for (const auto& [labels, histogram] : histograms) {
      add_histogram(name, labels, *histogram, text);
    }
  }

  static void add_histogram(const std::string& name, const Labels& labels,
                            const Histogram& histogram, std::string& text) {
    const auto counts = histogram.counts();
    std::uint64_t total = 0;
    for (std::size_t i = 0; i < counts.size(); ++i) {
      total += counts[i];
      const auto le = i < histogram.bounds().size() ? number(histogram.bounds()[i]) : "+Inf";
      text += name + "_bucket" + label_text(labels, le) + " " + std::to_string(total) + "\n";
    }
    text += name + "_sum" + label_text(labels) + " " + number(histogram.sum()) + "\n";
    text += name + "_count" + label_text(labels) + " " + std::to_string(total) + "\n";
  }
};

Registry::Family& Registry::family(const std::string& name, const std::string& help, Type type) {
  auto& slot = families_[name];
  if (!slot) {
    HEARTH_CHECK(is_name(name, ":"), "a metric's name");
    slot = std::make_shared<Family>(Family{.type = type, .help = help});
  }
  HEARTH_CHECK(slot->type == type, "one metric name has one type");
  return *slot;
}

Counter& Registry::counter(const std::string& name, const std::string& help, Labels labels) {
  MutexLock lock(mutex_);
  auto& slot = family(name, help, Type::Counter).counters[normal(std::move(labels))];
  if (!slot) slot = std::make_unique<Counter>();
  return *slot;
}

Gauge& Registry::gauge(const std::string& name, const std::string& help, Labels labels) {
  MutexLock lock(mutex_);
  auto& members = family(name, help, Type::Gauge);
  labels = normal(std::move(labels));
  HEARTH_CHECK(!members.readers.contains(labels), "a gauge is either set or read");
  auto& slot = members.gauges[labels];
  if (!slot) slot = std::make_unique<Gauge>();
  return *slot;
}

Histogram& Registry::histogram(const std::string& name, const std::string& help,
                               std::vector<double> bounds, Labels labels) {
  MutexLock lock(mutex_);
  auto& members = family(name, help, Type::Histogram);
  if (members.histograms.empty()) members.bounds = bounds;
  HEARTH_CHECK(members.bounds == bounds, "all histograms of one name have the same bounds");
  auto& slot = members.histograms[normal(std::move(labels))];
  if (!slot) slot = std::make_unique<Histogram>(std::move(bounds));
  return *slot;
}

void Registry::gauge_from(const std::string& name, const std::string& help, Labels labels,
                          std::function<double()> read) {
  MutexLock lock(mutex_);
  auto& members = family(name, help, Type::Gauge);
  labels = normal(std::move(labels));
  HEARTH_CHECK(!members.gauges.contains(labels), "a gauge is either set or read");
  members.readers[labels] = std::move(read);
}

std::string Registry::text() const {
  MutexLock lock(mutex_);
  std::string text;
  for (const auto& [name, family] : families_) family->add_text(name, text);
  return text;
}

}  // namespace hearth::metrics
