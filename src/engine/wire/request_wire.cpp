#include "engine/wire/request_wire.h"

#include "engine/wire/readers.h"

namespace hearth::engine::wire {
namespace {

using json = nlohmann::ordered_json;

constexpr std::size_t kPathBytesMax = 4'096;           // PATH_MAX
constexpr std::uint32_t kContextTokensMax = 1u << 24;  // far above any model of today
constexpr std::uint32_t kSlotsMax = 16;
constexpr std::uint32_t kThreadsMax = 512;  // GGML_MAX_N_THREADS
constexpr std::int64_t kGpuLayersMax = 1'024;

// ---- writing: body(x) is the JSON of one request ----------------------------------------------

json options_body(const LoadOptions& options) {
  return {{"context_tokens", options.context_tokens},
          {"slots", options.slots},
          {"threads", options.threads},
          {"prefill_chunk_tokens", options.prefill_chunk_tokens},
          {"gpu_layers", options.gpu_layers},
          {"kv_type", static_cast<int>(options.kv_type)},
          {"embeddings", options.embeddings},
          {"deterministic", options.deterministic},
          {"core_board", json::binary({options.core_board.begin(), options.core_board.end()})}};
}

json body(const Load& load) {
  // A path is bytes to the system, not text.
  return {{"path", json::binary({load.path.begin(), load.path.end()})},
          {"options", options_body(load.options)},
          {"snapshots",
           {{"directory",
             json::binary({load.snapshots.directory.begin(), load.snapshots.directory.end()})},
            {"bytes_max", load.snapshots.bytes_max}}}};
}
json body(const Generate& generate) {
  return {{"id", generate.id}, {"request", chat_request_body(generate.request)}};
}
json body(const Cancel& cancel) { return {{"id", cancel.id}}; }
json body(const Embed& embed) {
  json inputs = json::array();
  for (const auto& input : embed.inputs)
    std::visit([&](const auto& it) { inputs.push_back(it); }, input);
  return {{"id", embed.id}, {"inputs", std::move(inputs)}};
}
json body(const Tokenize& tokenize) {
  return {{"id", tokenize.id},
          {"text", tokenize.text},
          {"add_special", tokenize.add_special},
          {"parse_special", tokenize.parse_special}};
}
json body(const Detokenize& detokenize) {
  return {{"id", detokenize.id}, {"tokens", detokenize.tokens}};
}
json body(const Stats& stats) { return {{"id", stats.id}}; }
json body(const Identify& identify) { return {{"fingerprint", identify.fingerprint}}; }
json body(const Unload&) { return json::object(); }

RequestType type(const Load&) { return RequestType::Load; }
RequestType type(const Generate&) { return RequestType::Generate; }
RequestType type(const Cancel&) { return RequestType::Cancel; }
RequestType type(const Embed&) { return RequestType::Embed; }
RequestType type(const Tokenize&) { return RequestType::Tokenize; }
RequestType type(const Detokenize&) { return RequestType::Detokenize; }
RequestType type(const Stats&) { return RequestType::Stats; }
RequestType type(const Identify&) { return RequestType::Identify; }
RequestType type(const Unload&) { return RequestType::Unload; }

// ---- reading ----------------------------------------------------------------------------------

/// A path, which is bytes to the system.
Result<std::string> read_path(const Fields& fields, std::string_view name) {
  TRY(auto path, read_bytes(fields, name));
  if (path.size() > kPathBytesMax || path.find('\0') != std::string::npos)
    return fields.wrong(name, "at most 4096 bytes without a zero byte are allowed");
  return path;
}

Result<LoadOptions> read_options(const Fields& fields) {
  LoadOptions options;
  TRY(options.context_tokens, read_u32(fields, "context_tokens", 0, kContextTokensMax));
  TRY(options.slots, read_u32(fields, "slots", 1, kSlotsMax));
  TRY(options.threads, read_u32(fields, "threads", 0, kThreadsMax));
  TRY(options.prefill_chunk_tokens, read_u32(fields, "prefill_chunk_tokens", 16, 512));
  TRY(const auto gpu_layers, read_whole(fields, "gpu_layers", {0, kGpuLayersMax}));
  options.gpu_layers = static_cast<std::int32_t>(gpu_layers);
  TRY(options.kv_type, read_enum<KvType>(fields, "kv_type", 3));
  TRY(options.embeddings, read_flag(fields, "embeddings"));
  TRY(options.core_board, read_path(fields, "core_board"));
  TRY(options.deterministic, read_flag(fields, "deterministic"));
  return options;
}

Result<Request> read_load(const Fields& fields) {
  Load load;
  TRY(load.path, read_path(fields, "path"));
  TRY(const auto options, read_object(fields, "options"));
  TRY(load.options, read_options(options));
  TRY(const auto snapshots, read_object(fields, "snapshots"));
  TRY(load.snapshots.directory, read_path(snapshots, "directory"));
  TRY(load.snapshots.bytes_max, read_u64(snapshots, "bytes_max"));
  return Request(std::move(load));
}

Result<Request> read_generate(const Fields& fields) {
  Generate generate;
  TRY(generate.id, read_u64(fields, "id"));
  TRY(const auto request, read_object(fields, "request"));
  TRY(generate.request, read_chat_request(request));
  return Request(std::move(generate));
}

Result<Request> read_cancel(const Fields& fields) {
  TRY(const auto id, read_u64(fields, "id"));
  return Request(Cancel{id});
}

Result<std::variant<std::string, std::vector<chat::Token>>> read_embed_input(
    const json& item, const std::string& path) {
  using Input = std::variant<std::string, std::vector<chat::Token>>;
  if (item.is_array()) {
    TRY(auto tokens, read_tokens(item, path));
    return Input(std::move(tokens));
  }
  TRY(auto text, read_text_item(item, path, 0, kAnyBytes));
  return Input(std::move(text));
}

Result<Request> read_embed(const Fields& fields) {
  Embed embed;
  TRY(embed.id, read_u64(fields, "id"));
  TRY(const json* inputs, read_array(fields, "inputs", kEmbedInputsMax));
  if (inputs->empty()) return fields.wrong("inputs", "at least one input is required");
  for (const json& item : *inputs) {
    TRY(auto input, read_embed_input(item, item_path("inputs", embed.inputs.size())));
    embed.inputs.push_back(std::move(input));
  }
  return Request(std::move(embed));
}

Result<Request> read_tokenize(const Fields& fields) {
  Tokenize tokenize;
  TRY(tokenize.id, read_u64(fields, "id"));
  TRY(tokenize.text, read_text(fields, "text"));
  TRY(tokenize.add_special, read_flag(fields, "add_special"));
  TRY(tokenize.parse_special, read_flag(fields, "parse_special"));
  return Request(std::move(tokenize));
}

Result<Request> read_detokenize(const Fields& fields) {
  Detokenize detokenize;
  TRY(detokenize.id, read_u64(fields, "id"));
  TRY(detokenize.tokens, read_tokens(fields, "tokens"));
  return Request(std::move(detokenize));
}

Result<Request> read_stats(const Fields& fields) {
  TRY(const auto id, read_u64(fields, "id"));
  return Request(Stats{id});
}

Result<Request> read_identify(const Fields& fields) {
  TRY(auto text, read_text(fields, "fingerprint"));
  if (text.size() != 64 || text.find_first_not_of("0123456789abcdef") != text.npos)
    return fields.wrong("fingerprint", "64 hex digits are required");
  return Request(Identify{std::move(text)});
}

}  // namespace

RequestType request_type(const Request& request) {
  return std::visit([](const auto& it) { return type(it); }, request);
}

json request_body(const Request& request) {
  return std::visit([](const auto& it) { return body(it); }, request);
}

Result<Request> read_request(std::uint8_t type, const json& value) {
  TRY(const auto fields, Fields::of(value));
  switch (static_cast<RequestType>(type)) {
    case RequestType::Load: return read_load(fields);
    case RequestType::Generate: return read_generate(fields);
    case RequestType::Cancel: return read_cancel(fields);
    case RequestType::Embed: return read_embed(fields);
    case RequestType::Tokenize: return read_tokenize(fields);
    case RequestType::Detokenize: return read_detokenize(fields);
    case RequestType::Stats: return read_stats(fields);
    case RequestType::Unload: return Request(Unload{});
    case RequestType::Identify: return read_identify(fields);
  }
  return field_error("type", "unknown request " + std::to_string(type));
}

}  // namespace hearth::engine::wire
