#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/models/served.h"
#include "config/config.h"

namespace hearth::cli {

/// A model that can be used, as `hearth models` shows it.
struct ListedModel {
  std::string name;
  bool is_default = false;  // answers what names none
  std::string level{};      // "operational"; empty: there are no levels
  std::string state{};      // that a daemon says it is in, "ready"; empty: none runs
  std::string state_text{};
  std::string where{};  // its file, "built in" or who has it; empty: only the daemon knows
  std::string error{};  // why it cannot be used; empty: it can, as far as is known
  std::string architecture{}, quantization{};
  std::uint64_t parameters = 0, size_bytes = 0, context_tokens = 0;  // 0: not known
};

/// Those that a daemon has. Pure.
std::vector<ListedModel> listed(const std::vector<ServedModel>& served);
/// Those that a daemon with these settings would have, by their files; no provider is asked. Ember
/// is among them where there is no pool.
std::vector<ListedModel> listed(const config::Config& config);

/// A table with one line for each; "*" is the default one. Safe to show. Pure.
std::string models_table(const std::vector<ListedModel>& models);
nlohmann::ordered_json to_json(const std::vector<ListedModel>& models);

}  // namespace hearth::cli
