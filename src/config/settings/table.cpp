#include <arpa/inet.h>

#include <algorithm>

#include "config/settings/setting.h"

namespace hearth::config {
namespace {

constexpr std::int64_t kPathBytesMax = 4'095;  // PATH_MAX less the final zero
constexpr std::int64_t kMinute = 60'000;       // ms
constexpr std::int64_t kHour = 60 * kMinute;
constexpr std::int64_t kDaysMax = 36'500;  // a century
constexpr std::int64_t kRowsMax = 100'000'000;
constexpr std::size_t kTokenBytesMin = 8, kTokenBytesMax = 256;

const char* check_address(std::string_view text) {
  unsigned char bytes[sizeof(in6_addr)];
  const std::string host(text);
  if (host == "localhost" || ::inet_pton(AF_INET, host.c_str(), bytes) == 1 ||
      ::inet_pton(AF_INET6, host.c_str(), bytes) == 1)
    return nullptr;
  return "an IPv4 or IPv6 address is required, such as 127.0.0.1";
}

const char* check_token(std::string_view text) {
  const bool visible =
      std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
  if (!visible) return "a token has visible ASCII characters only";
  if (text.size() < kTokenBytesMin || text.size() > kTokenBytesMax)
    return "a token has 8 to 256 characters; make one with: openssl rand -hex 24";
  return nullptr;
}

bool is_host_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '-' || c == '_';
}

const char* check_host_name(std::string_view text) {
  const bool fine = !text.empty() && text.size() <= 253 &&
                    std::all_of(text.begin(), text.end(), is_host_character);
  return fine ? nullptr : "a host name without port is required, such as hearth.example";
}

const char* check_origin(std::string_view text) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!text.starts_with(scheme)) continue;
    const std::string_view rest = text.substr(scheme.size());
    if (!rest.empty() && text.size() <= 253 &&
        rest.find_first_of("/*?# \"") == std::string_view::npos)
      return nullptr;
  }
  return "an origin is required, such as https://chat.example (no path, no wildcard)";
}

const char* check_base_url(std::string_view text) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!text.starts_with(scheme)) continue;
    const std::string_view rest = text.substr(scheme.size());
    if (!rest.empty() && text.size() <= 1'024 &&
        rest.find_first_of("?# \"\\") == std::string_view::npos)
      return nullptr;
  }
  return "an address such as https://models.example/mirror is required";
}

const char* check_model_name(std::string_view text) {
  const bool fine = std::all_of(text.begin(), text.end(), [](char c) {
    return is_host_character(c) || c == ':' || c == '/' || c == '+';
  });
  return fine ? nullptr : "letters, digits and . - _ : / + are allowed";
}

const char* check_folder(std::string_view text) {
  if (text.empty() || text.size() > static_cast<std::size_t>(kPathBytesMax))
    return "a folder of 1 to 4095 bytes is required";
  const bool visible =
      std::none_of(text.begin(), text.end(), [](unsigned char c) { return c < ' ' || c == 0x7f; });
  return visible ? nullptr : "control characters are not allowed";
}

const char* check_help_line(std::string_view text) {
  const bool visible =
      std::none_of(text.begin(), text.end(), [](unsigned char c) { return c < ' ' || c == 0x7f; });
  return !text.empty() && text.size() <= 512 && visible
             ? nullptr
             : "lines of 1 to 512 bytes without control characters are required";
}

const char* check_amount(std::string_view text) {
  if (text.size() > 1 && text.starts_with('$')) text.remove_prefix(1);  // as prices may have it
  const std::size_t point = std::min(text.find('.'), text.size());
  const std::string_view whole = text.substr(0, point);
  const std::string_view rest = point < text.size() ? text.substr(point + 1) : "0";
  const auto digits = [](std::string_view part) {
    return !part.empty() && part.find_first_not_of("0123456789") == std::string_view::npos;
  };
  return text.empty() || (digits(whole) && whole.size() <= 9 && digits(rest) && rest.size() <= 6)
             ? nullptr
             : "dollars are required, such as \"5\" or \"0.25\", below a thousand million and with "
               "six decimals at most; \"\" is no bound";
}

template <auto Section, auto Member>
Target at(Config& config) {
  return &((config.*Section).*Member);
}
template <auto Member>
Target top(Config& config) {
  return &(config.*Member);
}

using C = Config;
using S = Config::Server;
using M = Config::Model;
using Kept = Config::Store;

/// A bound of what may be spent.
template <auto Member>
constexpr Setting dollars(std::string_view name, std::string_view help) {
  return {name, Kind::Text, at<&C::budget, Member>, 0, 32, "", check_amount, "", "", false, help};
}
/// For how many days, and how many, something stays in the store.
template <auto Member>
constexpr Setting days(std::string_view name, std::string_view help) {
  return {name, Kind::Whole, at<&C::store, Member>, 1, kDaysMax, "", nullptr, "", "", false, help};
}
template <auto Member>
constexpr Setting rows(std::string_view name, std::string_view help) {
  return {name, Kind::Whole, at<&C::store, Member>, 1, kRowsMax, "", nullptr, "", "", false, help};
}

constexpr Setting kSettings[] = {
    {"data_dir", Kind::Path, top<&C::data_dir>, 0, kPathBytesMax, "", nullptr, "HEARTH_DATA", "",
     false,
     "Directory of everything that Hearth keeps. Empty: $XDG_DATA_HOME/hearth or "
     "~/.local/share/hearth."},
    {"db_path", Kind::Path, top<&C::db_path>, 0, kPathBytesMax, "", nullptr, "", "DB_PATH", false,
     "The database. Empty: hearth.db in data_dir."},
    {"key_path", Kind::Path, top<&C::key_path>, 0, kPathBytesMax, "", nullptr, "", "KEY_PATH",
     false,
     "The device's key: 32 bytes, mode 0600, created at the first start. Empty: identity.key in "
     "data_dir."},
    {"plugin_dir", Kind::Path, top<&C::plugin_dir>, 0, kPathBytesMax, "", nullptr, "", "PLUGIN_DIR",
     false, "Directory of plugins. Empty: plugins in data_dir."},

    {"server.host", Kind::Text, at<&C::server, &S::host>, 1, 253, "", check_address, "HEARTH_HOST",
     "HOST", false, "Address to listen on. Anything but loopback needs tokens."},
    {"server.port", Kind::Whole, at<&C::server, &S::port>, 0, 65'535, "", nullptr, "HEARTH_PORT",
     "PORT", false, "Port to listen on. 0: any free one."},
    {"server.tokens", Kind::List, at<&C::server, &S::tokens>, 0, 64, "", check_token,
     "HEARTH_TOKEN", "", true,
     "Bearer tokens, 8 to 256 characters each. Empty: no authentication (loopback only).\n"
     "Keep a file with tokens readable by its owner only."},
    {"server.hosts", Kind::List, at<&C::server, &S::hosts>, 0, 64, "", check_host_name, "", "",
     false, "Further names accepted in the Host header, for use behind a proxy."},
    {"server.cors_origins", Kind::List, at<&C::server, &S::cors_origins>, 0, 64, "", check_origin,
     "", "", false,
     "Web origins that may call the API, such as \"https://chat.example\". Empty: none."},
    {"server.body_bytes_max", Kind::Whole, at<&C::server, &S::body_bytes_max>, 1'024,
     256 * 1024 * 1024, "", nullptr, "", "", false,
     "Largest request body, 1024 to 268435456 bytes; above: 413."},
    {"server.header_bytes_max", Kind::Whole, at<&C::server, &S::header_bytes_max>, 1'024,
     1024 * 1024, "", nullptr, "", "", false,
     "Largest request header, 1024 to 1048576 bytes; above: 431."},
    {"server.connections_max", Kind::Whole, at<&C::server, &S::connections_max>, 1, 65'536, "",
     nullptr, "", "", false, "Connections at a time, 1 to 65536."},
    {"server.drain_timeout", Kind::Duration, at<&C::server, &S::drain_timeout>, 0, kHour, "",
     nullptr, "", "", false, "How long running answers may go on after SIGTERM, 0s to 1h."},

    {"grpc.enabled", Kind::Flag, at<&C::grpc, &Config::Grpc::enabled>, 0, 0, "", nullptr, "", "",
     false, "false: no gRPC, and no port for it."},
    {"grpc.host", Kind::Text, at<&C::grpc, &Config::Grpc::host>, 1, 253, "", check_address, "", "",
     false, "Address to listen on. Anything but loopback needs server.tokens."},
    {"grpc.port", Kind::Whole, at<&C::grpc, &Config::Grpc::port>, 0, 65'535, "", nullptr, "", "",
     false,
     "Port to listen on. 0: any free one, which the log and hearth.pid tell. If it is taken and\n"
     "nothing was set here, the daemon warns and does without gRPC."},
    {"grpc.tls_cert", Kind::Path, at<&C::grpc, &Config::Grpc::tls_cert>, 0, kPathBytesMax, "",
     nullptr, "", "", false,
     "Certificate and those that vouch for it, as a PEM file. Empty: no TLS."},
    {"grpc.tls_key", Kind::Path, at<&C::grpc, &Config::Grpc::tls_key>, 0, kPathBytesMax, "",
     nullptr, "", "", false, "Its private key, as a PEM file."},
    {"grpc.reflection", Kind::Flag, at<&C::grpc, &Config::Grpc::reflection>, 0, 0, "", nullptr, "",
     "", false, "false: clients cannot ask which services and messages there are."},
    {"grpc.streams_max", Kind::Whole, at<&C::grpc, &Config::Grpc::streams_max>, 1, 65'536, "",
     nullptr, "", "", false, "Calls at a time, 1 to 65536; above: RESOURCE_EXHAUSTED."},
    {"grpc.message_bytes_max", Kind::Whole, at<&C::grpc, &Config::Grpc::message_bytes_max>, 1'024,
     256 * 1024 * 1024, "", nullptr, "", "", false,
     "Largest message from a client, 1024 to 268435456 bytes; above: RESOURCE_EXHAUSTED."},

    {"model.path", Kind::Path, at<&C::model, &M::path>, 0, kPathBytesMax, "", nullptr,
     "HEARTH_MODEL", "MODEL_PATH", false,
     "A GGUF file. Empty: Ember, the model inside this program."},
    {"model.name", Kind::Text, at<&C::model, &M::name>, 0, 128, "", check_model_name, "", "", false,
     "The id offered to clients. Empty: from the file's name."},
    {"model.context_tokens", Kind::Whole, at<&C::model, &M::context_tokens>, 0, 1'048'576, "",
     nullptr, "", "", false,
     "Most tokens of one prompt and its answer. 0: the smaller of 8192 and the model's own."},
    {"model.slots", Kind::Whole, at<&C::model, &M::slots>, 1, 16, "", nullptr, "", "", false,
     "Answers at a time, 1 to 16."},
    {"model.threads", Kind::Whole, at<&C::model, &M::threads>, 0, 1'024, "", nullptr, "", "", false,
     "Threads for computing, up to 1024. 0: the cores that nobody else needs; one for a tiny "
     "model."},
    {"model.prefill_chunk_tokens", Kind::Whole, at<&C::model, &M::prefill_chunk_tokens>, 16, 512,
     "", nullptr, "", "", false,
     "Prompt tokens computed between two steps of other answers, 16 to 512."},
    {"model.gpu_layers", Kind::Whole, at<&C::model, &M::gpu_layers>, 0, 1'024, "", nullptr, "", "",
     false, "Layers computed on a GPU, where this build has one."},
    {"model.kv_type", Kind::Choice, at<&C::model, &M::kv_type>, 0, 0, "auto, f16, q8_0", nullptr,
     "", "", false, "How the KV cache is kept: auto, f16 or q8_0 (half the memory)."},
    {"model.deterministic", Kind::Flag, at<&C::model, &M::deterministic>, 0, 0, "", nullptr, "", "",
     false,
     "true: load the model so that deterministic replies are possible (q8_0 KV cache, weights not\n"
     "repacked), prove it by a self-test, and refuse to load where it fails."},
    {"model.queue_max", Kind::Whole, at<&C::model, &M::queue_max>, 1, 4'096, "", nullptr, "", "",
     false,
     "Requests that may wait, 1 to 4096; more are answered with 429.\n"
     "With several tokens, the last quarter is kept from any single one."},
    {"model.token_timeout", Kind::Duration, at<&C::model, &M::token_timeout>, 1'000, kHour, "",
     nullptr, "", "", false,
     "An answer without a token for this long is given up (504), 1s to 1h."},
    {"model.request_timeout", Kind::Duration, at<&C::model, &M::request_timeout>, 1'000, 24 * kHour,
     "", nullptr, "", "", false, "Longest time for one answer, 1s to 24h."},

    {"pool.memory_bytes_max", Kind::Whole, at<&C::pool, &Config::Pool::memory_bytes_max>, 0,
     std::int64_t{1} << 50, "", nullptr, "", "", false,
     "Memory of all models that are loaded at a time, up to 1125899906842624. 0: three quarters "
     "of\n"
     "what can be had."},
    {"pool.residence_min", Kind::Duration, at<&C::pool, &Config::Pool::residence_min>, 0, kHour, "",
     nullptr, "", "", false,
     "A model in use is not unloaded for another before it was loaded for this long, 0s to 1h."},

    {"router.forwards_while_loading", Kind::Flag,
     at<&C::router, &Config::Router::forwards_while_loading>, 0, 0, "", nullptr, "", "", false,
     "A request for the model \"auto\" goes to a provider rather than wait for a model that "
     "loads."},
    {"router.watches_for_crises", Kind::Flag, at<&C::router, &Config::Router::watches_for_crises>,
     0, 0, "", nullptr, "", "", false,
     "A message for \"auto\" that sounds as if somebody were in danger goes to no small model "
     "alone,\n"
     "and its answer ends with help_lines. It misses much. false: they are as others are."},
    {"router.help_lines", Kind::List, at<&C::router, &Config::Router::help_lines>, 0, 32, "",
     check_help_line, "", "", false,
     "What such an answer ends with, a line each, up to 32 of 1 to 512 bytes. Put those of your\n"
     "country here."},

    {"models.disk_bytes_max", Kind::Whole, at<&C::models, &Config::Models::disk_bytes_max>, 0,
     std::int64_t{1} << 44, "", nullptr, "", "", false,
     "Bytes that models in data_dir/models may take, up to 17592186044416; `hearth pull` refuses\n"
     "one that would go beyond."},
    {"models.mirrors", Kind::List, at<&C::models, &Config::Models::mirrors>, 0, 16, "",
     check_base_url, "", "", false,
     "Where models are looked for before the hub, in this order, up to 16: addresses under which\n"
     "files are found as on the hub, such as \"https://mirror.example/hub\"."},
    {"models.hub", Kind::Text, at<&C::models, &Config::Models::hub>, 1, 1'024, "", check_base_url,
     "", "", false, "The hub that `hearth pull` gets models from."},

    dollars<&Config::Budget::day_max>(
        "budget.day_max",
        "The most that providers may be paid in one day (UTC), in dollars. \"\": no bound."),
    dollars<&Config::Budget::month_max>("budget.month_max", "... in one month."),
    dollars<&Config::Budget::session_max>("budget.session_max", "... for one session, ever."),
    dollars<&Config::Budget::token_day_max>("budget.token_day_max",
                                            "... for one of server.tokens, a day."),
    dollars<&Config::Budget::chat_day_max>("budget.chat_day_max",
                                           "... for answers to people and programs, a day."),
    dollars<&Config::Budget::tool_day_max>("budget.tool_day_max", "... for what tools ask, a day."),
    dollars<&Config::Budget::compaction_day_max>("budget.compaction_day_max",
                                                 "... for summaries of long talks, a day."),
    dollars<&Config::Budget::heartbeat_day_max>("budget.heartbeat_day_max",
                                                "... for what nobody asked for, a day."),
    {"budget.price_file", Kind::Path, at<&C::budget, &Config::Budget::price_file>, 0, kPathBytesMax,
     "", nullptr, "", "", false,
     "What models cost, on top of what Hearth knows: docs/providers.md. Empty: prices.toml in\n"
     "data_dir, if it is there."},

    {"metrics.daily_files", Kind::Flag, at<&C::metrics, &Config::Metrics::daily_files>, 0, 0, "",
     nullptr, "", "", false,
     "Write one line for each answer into data_dir/metrics, a file for each day: who answered, how "
     "long\n"
     "it took, how many tokens. No text, and names of sessions only as salted hashes."},
    {"metrics.days_max", Kind::Whole, at<&C::metrics, &Config::Metrics::days_max>, 1, kDaysMax, "",
     nullptr, "", "", false, "Days that these files are kept, 1 to 36500."},

    {"net.ca_file", Kind::Path, at<&C::net, &Config::Net::ca_file>, 0, kPathBytesMax, "", nullptr,
     "", "", false,
     "Certificate authorities that are trusted when other servers are asked, as a PEM file. "
     "Empty:\n"
     "SSL_CERT_FILE in the environment, else the system's own."},

    {"cache.disk_bytes_max", Kind::Whole, at<&C::cache, &Config::Cache::disk_bytes_max>, 0,
     std::int64_t{1} << 44, "", nullptr, "", "", false,
     "Bytes of conversations' state kept in data_dir/kv for requests that ask for it with\n"
     "cache.persist, up to 17592186044416; the longest unused goes. 0: nothing is kept."},

    days<&Kept::inbox_days_max>(
        "store.inbox_days_max",
        "For how many days it is known that a message was answered, failed or dropped, and so a\n"
        "repeated one by its Idempotency-Key (a day at least), 1 to 36500. In its conversation it\n"
        "stays."),
    rows<&Kept::inbox_rows_max>("store.inbox_rows_max", "At most as many of them, 1 to 100000000."),
    days<&Kept::outbox_days_max>("store.outbox_days_max",
                                 "Days that a reply stays behind its delivery, 1 to 36500."),
    rows<&Kept::outbox_rows_max>("store.outbox_rows_max",
                                 "At most as many of them, 1 to 100000000."),
    days<&Kept::effects_days_max>("store.effects_days_max",
                                  "Days that it is known what tools did, 1 to 36500."),
    rows<&Kept::effects_rows_max>("store.effects_rows_max",
                                  "At most as many of them, 1 to 100000000."),
    days<&Kept::approvals_days_max>("store.approvals_days_max",
                                    "Days that a question stays behind its answer, 1 to 36500."),
    rows<&Kept::approvals_rows_max>("store.approvals_rows_max",
                                    "At most as many of them, 1 to 100000000."),
    days<&Kept::decisions_days_max>("store.decisions_days_max",
                                    "Days that it is known what the rules decided, 1 to 36500."),
    rows<&Kept::decisions_rows_max>("store.decisions_rows_max",
                                    "At most as many of them, 1 to 100000000."),
    days<&Kept::journal_days_max>("store.journal_days_max",
                                  "Days that the journals of turns stay, for replay, 1 to 36500."),
    rows<&Kept::journal_rows_max>("store.journal_rows_max",
                                  "At most as many of them, 1 to 100000000."),
    days<&Kept::ledger_days_max>("store.ledger_days_max",
                                 "Days that it is known what calls of models took and cost, 1 to "
                                 "36500. What is kept for less\n"
                                 "than a month cannot be held against a month's cap."),
    rows<&Kept::ledger_rows_max>("store.ledger_rows_max",
                                 "At most as many of them, 1 to 100000000."),
    days<&Kept::responses_days_max>("store.responses_days_max",
                                    "Days that an answer of /v1/responses stays, to be had again "
                                    "and to be followed, 1 to\n"
                                    "36500."),
    rows<&Kept::responses_rows_max>("store.responses_rows_max",
                                    "At most as many of them, 1 to 100000000."),
    {"store.archived_messages_max", Kind::Whole, at<&C::store, &Kept::archived_messages_max>, 0,
     1'000'000'000, "", nullptr, "", "", false,
     "Messages of conversations that the model is not shown any more, of all sessions, up to\n"
     "1000000000; the oldest of the longest unused go. 0: all are kept."},

    {"agent.turns_max", Kind::Whole, at<&C::agent, &Config::Agent::turns_max>, 1, 32, "", nullptr,
     "", "", false, "Turns at a time, each in another session, 1 to 32."},
    {"agent.rounds_max", Kind::Whole, at<&C::agent, &Config::Agent::rounds_max>, 1, 64, "", nullptr,
     "", "", false,
     "How often the model may call tools in one turn, 1 to 64; then it must answer."},
    {"agent.turn_timeout", Kind::Duration, at<&C::agent, &Config::Agent::turn_timeout>, 1'000,
     24 * kHour, "", nullptr, "", "", false,
     "Longest time for one turn with all its tools, 1s to 24h. Waiting for your answer does not\n"
     "count."},

    {"tools.workspace", Kind::Paths, at<&C::tools, &Config::Tools::workspace>, 0, 16, "",
     check_folder, "", "", false,
     "Folders that file tools may look into, and change after asking, up to 16. Relative paths "
     "mean\n"
     "the first. Empty: the folder in which `hearth chat` or `hearth run --session` starts the "
     "daemon;\n"
     "none with `hearth serve`."},
    {"tools.output_bytes_max", Kind::Whole, at<&C::tools, &Config::Tools::output_bytes_max>, 1'024,
     65'536, "", nullptr, "", "", false,
     "Most bytes of what one tool says, 1024 to 65536; the rest is cut, with a mark."},

    {"context.instructions", Kind::Text, at<&C::context, &Config::Context::instructions>, 0, 16'384,
     "", nullptr, "", "", false,
     "Who the assistant is in sessions that bring no instructions of their own, up to 16384 bytes."
     "\n"
     "Empty: a few words of Hearth's own."},
    {"context.history_tokens_max", Kind::Whole,
     at<&C::context, &Config::Context::history_tokens_max>, 256, 1 << 20, "", nullptr, "", "",
     false,
     "Most tokens of what was said before that a model is shown, 256 to 1048576, and never more\n"
     "than it holds. At 80 % of it the oldest part is put into a summary, and stays searchable."},
    {"context.recent_messages_max", Kind::Whole,
     at<&C::context, &Config::Context::recent_messages_max>, 2, 500, "", nullptr, "", "", false,
     "So many of the last messages stay as they were said then, 2 to 500."},
    {"context.show_date", Kind::Flag, at<&C::context, &Config::Context::show_date>, 0, 0, "",
     nullptr, "", "", false, "false: a model is not told with each message what day it is."},
    {"context.memories_max", Kind::Whole, at<&C::context, &Config::Context::memories_max>, 0, 20,
     "", nullptr, "", "", false,
     "Most remembered facts that are shown with a message which they match, 0 to 20."},
    {"context.summary_model", Kind::Text, at<&C::context, &Config::Context::summary_model>, 0, 256,
     "", nullptr, "", "", false,
     "The model that writes summaries, by its name. Empty: the one that is spoken with."},

    {"policy.approval_timeout", Kind::Duration, at<&C::policy, &Config::Policy::approval_timeout>,
     1'000, 24 * kHour, "", nullptr, "", "", false,
     "A question whether a tool may run expires after this long, 1s to 24h."},
    {"policy.plan_mode", Kind::Flag, at<&C::policy, &Config::Policy::plan_mode>, 0, 0, "", nullptr,
     "", "", false, "true: tools may look, but change, run and send nothing."},

    {"log.level", Kind::Choice, at<&C::log, &Config::Log::level>, 0, 0,
     "debug, info, warn, error, off", nullptr, "HEARTH_LOG", "", false,
     "How much is logged: debug, info, warn, error or off."},
};

}  // namespace

std::span<const Setting> settings() { return kSettings; }

const Setting* find_setting(std::string_view name) {
  const auto* const found = std::find_if(std::begin(kSettings), std::end(kSettings),
                                         [&](const Setting& s) { return s.name == name; });
  return found == std::end(kSettings) ? nullptr : found;
}

}  // namespace hearth::config
