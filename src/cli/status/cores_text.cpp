#include "cli/status/cores_text.h"

#include <cmath>
#include <cstdio>

namespace hearth::cli {
namespace {

std::string whole(double value) { return std::to_string(std::llround(value)); }

std::string tenths(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", value);
  return text;
}

std::string reason(const Metrics& metrics) {
  const std::string by = metrics.label("hearth_engine_threads_limit", "by");
  if (by == "fixed") return ": fixed by model.threads";
  if (by == "tiny_model") return ": more would slow down so small a model";
  if (by == "engines")
    return ": " + whole(metrics.sum("hearth_engine_sharers")) + " engines compute";
  if (by == "neighbours")
    return ": other programs use " + tenths(metrics.sum("hearth_engine_neighbour_cores"));
  return "";
}

}  // namespace

std::string cores_text(const Metrics& metrics) {
  const double cores = metrics.sum("hearth_engine_cores");
  if (cores < 1) return "";
  const std::string text = whole(metrics.sum("hearth_engine_threads")) + " of " + whole(cores) +
                           (cores > 1 ? " cores" : " core") + reason(metrics);
  const bool shares = metrics.sum("hearth_engine_shares_cores") > 0;
  return shares ? text : text + "; cannot share with other engines";
}

}  // namespace hearth::cli
