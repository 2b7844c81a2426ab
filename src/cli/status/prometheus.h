#pragma once
#include <map>
#include <string>
#include <string_view>

namespace hearth::cli {

/// The numbers of a /metrics page, summed over labels. Lines that are none are skipped.
/// Source: Prometheus text exposition format 0.0.4.
class Metrics {
 public:
  Metrics() = default;
  explicit Metrics(std::string_view text);
  /// The sum of all series of this name; 0 if there is none.
  double sum(const std::string& name) const;
  /// The value of this label in the first series of this name that is not 0; empty if there is
  /// none.
  std::string label(const std::string& name, const std::string& label) const;

 private:
  std::map<std::string, double> sums_;
  std::map<std::string, std::string> labels_;  // of the first series that is not 0, by name
};

}  // namespace hearth::cli
