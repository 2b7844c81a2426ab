#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/call.h"
#include "base/result.h"

namespace hearth::config {

/// Everything that can be set, checked, with its default. Immutable once loaded.
/// Order of sources, later wins: defaults, hearth.toml, environment, command line.
struct Config {
  struct Server {
    std::string host = "127.0.0.1";  // loopback unless a token is set
    std::uint16_t port = 11435;
    std::vector<std::string> tokens{};  // bearer tokens; empty: no authentication (loopback only)
    std::vector<std::string> hosts{};   // further names accepted in the Host header
    std::vector<std::string> cors_origins{};  // empty: CORS off
    std::uint32_t body_bytes_max = 8 * 1024 * 1024;
    std::uint32_t header_bytes_max = 16 * 1024;
    std::uint32_t connections_max = 1'024;
    Millis drain_timeout{30'000};  // SIGTERM: how long running answers may go on
  } server;
  /// aios.runtime.AIRuntime; who may call it is said by server.tokens.
  struct Grpc {
    bool enabled = true;
    std::string host = "127.0.0.1";  // loopback unless a token is set
    std::uint16_t port = 50'051;
    std::string tls_cert{};  // PEM, with what it takes to trust it; empty: plain
    std::string tls_key{};
    bool reflection = true;
    std::uint32_t streams_max = 1'024;  // calls at a time
    std::uint32_t message_bytes_max = 8 * 1024 * 1024;
  } grpc;
  struct Model {
    std::string path{};                // GGUF file; empty: Ember, the model inside the binary
    std::string name{};                // id offered to clients; empty: from the file name ("ember")
    std::uint32_t context_tokens = 0;  // 0: the smaller of 8192 and the model's own
    std::uint32_t slots = 4;
    std::uint32_t threads = 0;  // 0: all cores
    std::uint32_t prefill_chunk_tokens = 64;
    std::int32_t gpu_layers = 0;
    std::string kv_type = "auto";  // auto, f16, q8_0
    bool deterministic = false;    // make deterministic replies possible, or do not load
    std::uint32_t queue_max = 32;
    Millis token_timeout{60'000};  // no token for this long: 504
    Millis request_timeout{600'000};
  } model;
  /// A [[pool.model]]: what it does not say is as the file's [model] has it.
  struct Pooled {
    Model model{};  // path empty: data_dir/models/NAME.gguf, or Ember for "ember"
    /// operational: loaded and tried at the start; tactical, strategic: when somebody asks.
    std::string level = "tactical";
    bool pinned = false;           // never unloaded; so is an operational one unless it says no
    Millis idle_timeout{300'000};  // unused for so long, it is unloaded; 0: it stays
    std::string origin{};          // where it stands, with the file's whole name
  };
  struct Pool {
    std::uint64_t memory_bytes_max = 0;  // of all loaded models; 0: three quarters of what is there
    Millis residence_min{5'000};         // how long one in use is not unloaded for another
    std::vector<Pooled> models{};        // in the order of the file
  } pool;
  /// Requests that name no model of their own.
  struct Router {
    bool forwards_while_loading = true;  // rather a provider than to wait for a model that loads
    bool watches_for_crises = true;
    std::vector<std::string> help_lines = {
        "Emergency: 112 (Europe), 911 (USA and Canada), 999 (UK), 000 (Australia).",
        "To talk, in the USA and Canada: 988. In the UK and Ireland: 116 123.",
        "Anywhere: https://findahelpline.com"};
  } router;
  /// Where `hearth pull` gets models from, and how many bytes of them stay in data_dir/models.
  struct Models {
    std::uint64_t disk_bytes_max = 100ull << 30;
    std::vector<std::string> mirrors{};  // base URLs that are asked before the hub, in order
    std::string hub = "https://huggingface.co";
  } models;
  /// A [[provider]]: models of another machine, which requests name "NAME/MODEL".
  struct Provider {
    std::string name{};
    std::string kind{};                          // how it is spoken to; empty: as its name says
    std::string url{};                           // base address; empty: the kind's own
    std::string key_env{};                       // the variable with its key; empty: the kind's own
    std::string key_file{};                      // or the file, mode 0600
    std::vector<std::string> models{};           // that "auto" may choose where much is needed
    std::vector<std::string> tactical_models{};  // ... and where less is, or money is short
    bool free = false;                           // nothing that it does costs money
    std::uint32_t context_tokens = 128'000;
    std::uint32_t answer_tokens_max = 4'096;  // of an answer whose request sets no bound
    std::uint32_t requests_max = 1'024;       // at a time
    std::uint32_t retries_max = 2;            // of a request that it was too busy for
    Millis retry_wait_max{30'000};            // a longer wait is not made
    Millis first_byte_timeout{60'000};
    Millis token_timeout{60'000};  // silence in the middle of an answer
    Millis request_timeout{600'000};
    std::string origin{};  // where it stands, with the file's whole name
  };
  std::vector<Provider> providers{};  // in the order of the file
  /// The most that providers may be paid, in dollars ("5", "0.25"); empty: no bound.
  struct Budget {
    std::string day_max = "5", month_max = "50";
    std::string session_max{}, token_day_max{};
    std::string chat_day_max{}, tool_day_max{}, compaction_day_max{}, heartbeat_day_max{};
    std::string price_file{};  // default: data_dir/prices.toml, if there is one
  } budget;
  /// One line for each answer, in a file for each day, without any text.
  struct Metrics {
    bool daily_files = true;
    std::uint32_t days_max = 90;
  } metrics;
  /// What is common to all that is asked of other machines.
  struct Net {
    std::string ca_file{};  // PEM; empty: SSL_CERT_FILE, else the system's authorities
  } net;
  struct Cache {
    std::uint64_t disk_bytes_max = 2ull << 30;  // of KV state in data_dir/kv; 0: none is kept
  } cache;
  /// How long, and how many, of what has ended stays in the store (store::RetentionLimits).
  struct Store {
    std::uint32_t inbox_days_max = 30, inbox_rows_max = 100'000;
    std::uint32_t outbox_days_max = 30, outbox_rows_max = 100'000;
    std::uint32_t effects_days_max = 365, effects_rows_max = 1'000'000;
    std::uint32_t approvals_days_max = 365, approvals_rows_max = 100'000;
    std::uint32_t decisions_days_max = 365, decisions_rows_max = 1'000'000;
    std::uint32_t journal_days_max = 30, journal_rows_max = 100'000;
    std::uint32_t ledger_days_max = 365, ledger_rows_max = 1'000'000;
    std::uint32_t responses_days_max = 30, responses_rows_max = 10'000;
    std::uint64_t archived_messages_max = 0;  // of all sessions; 0: all are kept
  } store;
  struct Agent {
    std::uint32_t turns_max = 32;  // at a time, each in another session
    std::uint32_t rounds_max = 8;  // model calls with tools in one turn
    Millis turn_timeout{600'000};  // of one turn, without the time that it waits for a person
  } agent;
  struct Tools {
    std::vector<std::string> workspace{};  // absolute folders; empty: the one a command is given in
    std::uint32_t output_bytes_max = 65'536;  // of what one tool says
  } tools;
  /// What sessions show their model.
  struct Context {
    std::string instructions{};  // who the assistant is; empty: Hearth's own words
    std::uint32_t history_tokens_max = 8'000;
    std::uint32_t recent_messages_max = 20;  // that stay as they were said
    bool show_date = true;                   // with each message
    std::uint32_t memories_max = 3;          // that are shown unasked
    std::string summary_model{};             // its name; empty: the session's own
  } context;
  /// A [[policy.rule]], in words; policy reads them. Checked for what needs no policy.
  struct Rule {
    std::string name{};  // where it stands, "hearth.toml:12", unless it was given one
    std::string tool{};
    std::string kind = "wildcard";  // exact, wildcard, regex
    std::string pattern{};
    std::string decision{};  // deny, ask, allow
    std::string expires{};   // a duration from the start of the program; empty: never
    std::string origin{};    // where it stands, with the file's whole name
  };
  struct Policy {
    Millis approval_timeout{600'000};  // unanswered for this long: expired
    bool plan_mode = false;            // tools may look, but change nothing
    std::vector<Rule> rules{};         // in the order of the file
  } policy;
  struct Log {
    std::string level = "info";
  } log;
  std::string data_dir;    // absolute
  std::string db_path;     // default: data_dir/hearth.db
  std::string key_path;    // default: data_dir/identity.key
  std::string plugin_dir;  // default: data_dir/plugins
};

/// What the command line gives; absent values leave the other sources alone.
struct Overrides {
  std::optional<std::string> config_file, data_dir, host, model_path, log_level;
  std::optional<std::uint16_t> port;
  std::optional<std::vector<std::string>> workspace;  // empty: no tools
};

/// A loaded Config and where each setting came from ("default", "hearth.toml:12", "HEARTH_PORT",
/// "--port").
struct Loaded {
  Config config;
  std::string file;  // the hearth.toml that was read; empty if none exists
  std::map<std::string, std::string> origins;  // by dotted name, "server.port"
  std::vector<std::string> warnings{};         // sentences for a person; the program goes on
};

using Environment = std::map<std::string, std::string>;
/// This process's environment.
Environment process_environment();

/// Reads all sources and checks the result. Paths are absolute afterwards: those of a file are
/// relative to its directory, others to the current one; a leading "~/" is the home directory.
/// Environment names: HEARTH_SERVER_PORT for server.port, the short ones HEARTH_HOST, _PORT,
/// _TOKEN, _MODEL, _DATA, _LOG, and with lower priority Fabio-Claw's HOST, PORT, MODEL_PATH,
/// DB_PATH, KEY_PATH, PLUGIN_DIR. An unknown HEARTH_ variable is an error, since a typing mistake
/// must not pass in silence; HEARTH_CONFIG names the file, HEARTH_TEST_* is left to tests. The
/// file: overrides, HEARTH_CONFIG, <data>/hearth.toml, $XDG_CONFIG_HOME/hearth/hearth.toml; the
/// first that is there. The data directory: overrides, environment, file, $XDG_DATA_HOME/hearth,
/// ~/.local/share/hearth.
/// Errors: InvalidInput (unknown key or variable: names file, line and the nearest known one; wrong
/// type or range: names key, limit and origin; server.host
/// or grpc.host beyond loopback without server.tokens; one of grpc.tls_cert and grpc.tls_key
/// alone), NotFound (a config file that was asked for by name), Unavailable (a file that cannot be
/// read), TooLarge (above 1 MiB).
Result<Loaded> load(const Overrides& overrides, const Environment& environment);

/// Only what one hearth.toml says, over the defaults; no other source, no check between settings.
/// `file_name` is for messages. Errors: those of load() for a file's text. Safe on any bytes.
Result<Loaded> parse_text(std::string_view text, const std::string& file_name);

/// The data directory as far as it is known without a settings file, absolute. Errors: InvalidInput
/// (no home).
Result<std::string> data_dir_without_file(const Overrides& overrides,
                                          const Environment& environment);

/// Whether an address is reachable from this machine only: 127.0.0.0/8 or ::1.
bool is_loopback(const std::string& host);

/// A commented hearth.toml with every setting at its default.
std::string example_toml();
/// The settings in force, as TOML with each origin as a comment. Tokens are shown as "…".
std::string show(const Loaded& loaded);

}  // namespace hearth::config
