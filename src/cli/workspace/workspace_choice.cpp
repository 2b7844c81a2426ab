#include "cli/workspace/workspace_choice.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "base/utf8.h"
#include "cli/terminal/visible.h"

namespace hearth::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* kWriteItDown =
    "; open a folder below it with --workspace, or write it into tools.workspace";

std::string real(const std::string& path) {
  std::error_code problem;
  const fs::path found = fs::weakly_canonical(path, problem);
  std::string text = problem ? path : found.string();
  while (text.size() > 1 && text.back() == '/') text.pop_back();
  return text;
}

/// Whether `inner` is `outer` or lies below it.
bool is_within(const std::string& inner, const std::string& outer) {
  return outer == "/" || inner == outer || inner.starts_with(outer + "/");
}

bool can_be_set(const std::string& path) {
  const auto is_control = [](unsigned char c) { return c < ' ' || c == 0x7f; };
  return is_utf8(path) && std::none_of(path.begin(), path.end(), is_control);
}

}  // namespace

std::string problem_with_workspace(const std::string& folder, const std::string& home,
                                   const std::string& data_dir) {
  const std::string shown = visible(folder);
  if (!can_be_set(folder)) return shown + " has a name that no setting can hold";
  if (folder == "/") return "/ is the whole system" + std::string(kWriteItDown);
  if (!home.empty() && folder == home) return shown + " is your home directory" + kWriteItDown;
  if (!home.empty() && is_within(home, folder))
    return shown + " holds your home directory" + kWriteItDown;
  if (is_within(folder, data_dir)) return shown + " is Hearth's own data directory";
  return "";
}

std::string problem_with_workspace(const std::string& folder, const config::Config& config) {
  std::error_code ignored;
  if (can_be_set(folder) && !fs::is_directory(folder, ignored))
    return visible(folder) + " is not a folder";
  const char* const home = std::getenv("HOME");
  return problem_with_workspace(real(folder), home && *home ? real(home) : "",
                                real(config.data_dir));
}

Result<Opening> open_nothing(const Context& context) {
  TRY(config::Loaded loaded, load_settings(context));
  return Opening{.context = context, .loaded = std::move(loaded)};
}

Result<Opening> open_here(const Context& context) {
  TRY(config::Loaded loaded, load_settings(context));
  Opening out{.context = context, .loaded = std::move(loaded)};
  config::Config& config = out.loaded.config;
  out.is_asked = context.overrides.workspace.has_value();
  if (out.is_asked && !config.tools.workspace.empty()) out.here = config.tools.workspace.front();
  if (out.is_asked || !config.tools.workspace.empty()) return out;
  std::error_code problem;
  const std::string here = fs::current_path(problem).string();
  out.problem = problem ? "the current folder is gone" : problem_with_workspace(here, config);
  if (!out.problem.empty()) return out;
  out.here = here;
  out.context.overrides.workspace = {here};
  config.tools.workspace = {here};
  return out;
}

}  // namespace hearth::cli
