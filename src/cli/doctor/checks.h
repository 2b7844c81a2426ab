#pragma once
#include <string>
#include <vector>

#include "app/models.h"
#include "base/call.h"
#include "base/result.h"
#include "cli/models/served.h"
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
/// `meminfo` is the text of /proc/meminfo. With a pool: what all of it may take.
Finding check_memory(const config::Config& config, const std::string& meminfo);
Finding check_data_dir(const std::string& data_dir);

// ---- this installation -------------------------------------------------------------------------
Finding check_settings(const Result<config::Loaded>& loaded);
Finding check_key(const std::string& key_path);
/// Reads the whole file at `path`, if there is one.
Finding check_store(const std::string& path);
Finding check_port(const config::Config& config);
/// The port of gRPC; the daemon gives way where it is taken.
Finding check_grpc(const config::Config& config);
Finding check_daemon(const config::Config& config);
/// Loads the model in an engine of its own and asks it one thing. Blocks.
Finding check_model(const Call& call, const config::Config& config);

// ---- what the settings name --------------------------------------------------------------------
/// [model] where it stands alone. A file that is there may still not load; check_model() tries.
Finding check_model_file(const config::Config& config);
/// One for each model of the pool, and one if those of the start do not fit together. `served` is
/// what a running daemon says; empty: none does. None without a pool.
std::vector<Finding> check_pool(const config::Config& config,
                                const std::vector<ServedModel>& served);
/// One for each provider. Nobody is asked over the network.
std::vector<Finding> check_providers(const config::Config& config,
                                     const config::Environment& environment,
                                     const std::vector<ServedModel>& served);
Finding check_prices(const config::Config& config);
/// Whether the kill switch is on, by the store at `db_path`.
Finding check_spending(const Call& call, const std::string& db_path);
/// One for each certificate, authority and workspace that a setting names.
std::vector<Finding> check_named_files(const config::Config& config);
/// All of them that a daemon would meet at its start, without one.
std::vector<Finding> check_named(const config::Config& config,
                                 const config::Environment& environment,
                                 const std::vector<ServedModel>& served);

}  // namespace hearth::cli
