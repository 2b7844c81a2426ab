#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/call.h"
#include "base/result.h"

namespace hearth::config {

/// Everything that can be set, checked, with its default. Immutable once loaded.
/// Order of sources, later wins: defaults, hearth.toml, environment, command line.
struct Config {
  struct Server {
    std::string host = "127.0.0.1";       // loopback unless a token is set
    std::uint16_t port = 11435;
    std::vector<std::string> tokens{};    // bearer tokens; empty: no authentication (loopback only)
    std::vector<std::string> hosts{};     // further names accepted in the Host header
    std::vector<std::string> cors_origins{};  // empty: CORS off
    std::uint32_t body_bytes_max = 8 * 1024 * 1024;
    std::uint32_t header_bytes_max = 16 * 1024;
    std::uint32_t connections_max = 1'024;
    Millis drain_timeout{30'000};         // SIGTERM: how long running answers may go on
  } server;
  struct Model {
    std::string path{};                   // GGUF file; empty: Ember, the model inside the binary
    std::string name{};                   // id offered to clients; empty: from the file name ("ember")
    std::uint32_t context_tokens = 0;     // 0: the smaller of 8192 and the model's own
    std::uint32_t slots = 4;
    std::uint32_t threads = 0;            // 0: all cores
    std::uint32_t prefill_chunk_tokens = 64;
    std::int32_t gpu_layers = 0;
    std::string kv_type = "auto";         // auto, f16, q8_0
    std::uint32_t queue_max = 32;
    Millis token_timeout{60'000};         // no token for this long: 504
    Millis request_timeout{600'000};
  } model;
  struct Log {
    std::string level = "info";
  } log;
  std::string data_dir;                   // absolute
  std::string db_path;                    // default: data_dir/hearth.db
  std::string key_path;                   // default: data_dir/identity.key
  std::string plugin_dir;                 // default: data_dir/plugins
};

/// What the command line gives; absent values leave the other sources alone.
struct Overrides {
  std::optional<std::string> config_file, data_dir, host, model_path, log_level;
  std::optional<std::uint16_t> port;
};

/// A loaded Config and where each setting came from ("default", "hearth.toml:12", "HEARTH_PORT", "--port").
struct Loaded {
  Config config;
  std::string file;                            // the hearth.toml that was read; empty if none exists
  std::map<std::string, std::string> origins;  // by dotted name, "server.port"
};

using Environment = std::map<std::string, std::string>;
/// This process's environment.
Environment process_environment();

/// Reads all sources. Errors: InvalidInput (unknown key: names file, line and the nearest known key;
/// wrong type or range: names key, limit and origin), NotFound (a config file that was asked for by name).
Result<Loaded> load(const Overrides& overrides, const Environment& environment);

/// A commented hearth.toml with every setting at its default.
std::string example_toml();
/// The settings in force, as TOML with each origin as a comment. Tokens are shown as "…".
std::string show(const Loaded& loaded);

}  // namespace hearth::config
