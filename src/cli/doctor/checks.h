#pragma once
#include <string>
#include <vector>

#include "base/call.h"
#include "base/result.h"
#include "config/config.h"

namespace hearth::cli {

enum class Verdict { Pass, Warn, Fail };
const char* verdict_name(Verdict verdict);  // "PASS", "WARN", "FAIL"

/// What one check found.
struct Finding {
  std::string name;
  Verdict verdict = Verdict::Pass;
  std::string detail;
  std::string remedy{};  // empty for Pass
};

// ---- this machine ------------------------------------------------------------------------------
Finding check_processor();
Finding check_clock(std::chrono::system_clock::time_point now);
/// `directory` is where resolv.conf and hosts are ("/etc").
Finding check_name_files(const std::string& directory);
/// `meminfo` is the text of /proc/meminfo.
Finding check_memory(const config::Config& config, const std::string& meminfo);
Finding check_data_dir(const std::string& data_dir);

// ---- this installation -------------------------------------------------------------------------
Finding check_settings(const Result<config::Loaded>& loaded);
Finding check_key(const std::string& key_path);
/// Reads the whole file at `path`, if there is one.
Finding check_store(const std::string& path);
Finding check_port(const config::Config& config);
Finding check_daemon(const config::Config& config);
/// Loads the model in an engine of its own and asks it one thing. Blocks.
Finding check_model(const Call& call, const config::Config& config);

}  // namespace hearth::cli
