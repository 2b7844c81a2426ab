#include "cli/status/prometheus.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace hearth::cli {

Metrics::Metrics(std::string_view text) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::size_t space = line.rfind(' ');
    if (line.starts_with('#') || space == std::string_view::npos) continue;
    double value = 0;
    const auto [rest, status] =
        std::from_chars(line.data() + space + 1, line.data() + line.size(), value);
    if (status != std::errc{} || rest != line.data() + line.size() || !std::isfinite(value))
      continue;
    const std::string name(line.substr(0, line.find_first_of("{ ")));
    sums_[name] += value;
    if (value != 0) labels_.try_emplace(name, line.substr(name.size(), space - name.size()));
  }
}

std::string Metrics::label(const std::string& name, const std::string& label) const {
  const auto found = labels_.find(name);
  if (found == labels_.end()) return "";
  const std::string start = label + "=\"";
  const std::size_t at = found->second.find(start);
  if (at == std::string::npos) return "";
  const std::size_t from = at + start.size();
  return found->second.substr(from, found->second.find('"', from) - from);
}

double Metrics::sum(const std::string& name) const {
  const auto found = sums_.find(name);
  return found == sums_.end() ? 0 : found->second;
}

}  // namespace hearth::cli
