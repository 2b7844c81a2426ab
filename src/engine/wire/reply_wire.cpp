#include "engine/wire/reply_wire.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "engine/wire/readers.h"

namespace hearth::engine::wire {
namespace {

using json = nlohmann::ordered_json;
static_assert(std::endian::native == std::endian::little, "vectors travel as little-endian floats");

constexpr std::size_t kFactBytesMax = 1024 * 1024;  // one text of a model file
constexpr std::uint32_t kSlotsMax = 16;
constexpr std::uint32_t kThreadsMax = 512;
constexpr float kNeighboursMax = 1e6;  // cores, far above any machine

// ---- writing ----------------------------------------------------------------------------------

json facts_body(const ModelFacts& facts) {
  return {{"name", clean(facts.name)},
          {"architecture", clean(facts.architecture)},
          {"quantization", clean(facts.quantization)},
          {"size_bytes", facts.size_bytes},
          {"parameters", facts.parameters},
          {"tensors", facts.tensors},
          {"context_tokens", facts.context_tokens},
          {"embedding_length", facts.embedding_length},
          {"layers", facts.layers},
          {"heads", facts.heads},
          {"kv_heads", facts.kv_heads},
          {"key_length", facts.key_length},
          {"value_length", facts.value_length},
          {"vocabulary", facts.vocabulary},
          {"tokenizer", clean(facts.tokenizer)},
          {"chat_template", clean(facts.chat_template)},
          {"fingerprint", clean(facts.fingerprint)}};
}

json vector_body(const std::vector<float>& vector) {
  std::vector<std::uint8_t> bytes(vector.size() * sizeof(float));
  if (!bytes.empty()) std::memcpy(bytes.data(), vector.data(), bytes.size());
  return json::binary(std::move(bytes));
}

json body(const LoadProgress& progress) {
  const float fraction =
      std::isnan(progress.fraction) ? 0 : std::clamp(progress.fraction, 0.0f, 1.0f);
  return {{"fraction", fraction}};
}
json body(const Loaded& loaded) {
  return {{"facts", facts_body(loaded.facts)},
          {"context_tokens", loaded.context_tokens},
          {"slots", loaded.slots},
          {"threads", loaded.threads},
          {"kv_type", static_cast<int>(loaded.kv_type)},
          {"can_embed", loaded.can_embed},
          {"batch_invariant", loaded.batch_invariant},
          {"numerics", clean(loaded.numerics)}};
}
json body(const LoadFailed& failed) { return {{"error", error_body(failed.error)}}; }
json body(const GenerateEvent& event) {
  json value{{"id", event.id}};
  add_event(value, event.event);
  return value;
}
json body(const Embedded& embedded) {
  json vectors = json::array();
  for (const auto& vector : embedded.vectors) vectors.push_back(vector_body(vector));
  return {{"id", embedded.id},
          {"vectors", std::move(vectors)},
          {"prompt_tokens", embedded.prompt_tokens}};
}
json body(const Tokens& tokens) { return {{"id", tokens.id}, {"tokens", tokens.tokens}}; }
json body(const Text& text) { return {{"id", text.id}, {"text", clean(text.text)}}; }
json cores_body(const CoreUse& use) {
  return {
      {"threads", use.threads}, {"cores", use.cores},   {"limit", static_cast<int>(use.limit)},
      {"engines", use.engines}, {"shares", use.shares}, {"neighbour_cores", use.neighbour_cores},
      {"downs", use.downs},     {"ups", use.ups},       {"denied_us", use.denied_us}};
}
json prefixes_body(const PrefixUse& use) {
  return {{"hits", use.hits},
          {"misses", use.misses},
          {"evictions", use.evictions},
          {"kept", use.kept},
          {"pinned", use.pinned}};
}
json body(const StatsReply& stats) {
  return {{"id", stats.id},
          {"generating", stats.generating},
          {"waiting", stats.waiting},
          {"prompt_tokens", stats.prompt_tokens},
          {"cached_tokens", stats.cached_tokens},
          {"completion_tokens", stats.completion_tokens},
          {"decode_steps", stats.decode_steps},
          {"kv_cells_used", stats.kv_cells_used},
          {"kv_cells", stats.kv_cells},
          {"resident_bytes", stats.resident_bytes},
          {"prefixes", prefixes_body(stats.prefixes)},
          {"cores", cores_body(stats.cores)}};
}
json body(const RequestFailed& failed) {
  return {{"id", failed.id}, {"error", error_body(failed.error)}};
}

json body(const SnapshotStats& stats) {
  return {{"saved", stats.saved},     {"restored", stats.restored},
          {"refused", stats.refused}, {"skipped", stats.skipped},
          {"evicted", stats.evicted}, {"restored_tokens", stats.restored_tokens},
          {"bytes", stats.bytes},     {"files", stats.files}};
}

ReplyType type(const LoadProgress&) { return ReplyType::LoadProgress; }
ReplyType type(const Loaded&) { return ReplyType::Loaded; }
ReplyType type(const LoadFailed&) { return ReplyType::LoadFailed; }
ReplyType type(const GenerateEvent&) { return ReplyType::GenerateEvent; }
ReplyType type(const Embedded&) { return ReplyType::Embedded; }
ReplyType type(const Tokens&) { return ReplyType::Tokens; }
ReplyType type(const Text&) { return ReplyType::Text; }
ReplyType type(const StatsReply&) { return ReplyType::StatsReply; }
ReplyType type(const RequestFailed&) { return ReplyType::RequestFailed; }
ReplyType type(const SnapshotStats&) { return ReplyType::SnapshotStats; }

// ---- reading ----------------------------------------------------------------------------------

Result<std::string> read_fingerprint(const Fields& fields) {
  TRY(auto text, read_text(fields, "fingerprint"));
  const bool good = text.empty() ||
                    (text.size() == 64 && text.find_first_not_of("0123456789abcdef") == text.npos);
  if (!good) return fields.wrong("fingerprint", "64 hex digits or nothing is required");
  return text;
}

Result<ModelFacts> read_facts(const Fields& fields) {
  ModelFacts facts;
  TRY(facts.name, read_text(fields, "name", kFactBytesMax));
  TRY(facts.architecture, read_text(fields, "architecture", kFactBytesMax));
  TRY(facts.quantization, read_text(fields, "quantization", kFactBytesMax));
  TRY(facts.size_bytes, read_u64(fields, "size_bytes"));
  TRY(facts.parameters, read_u64(fields, "parameters"));
  TRY(facts.tensors, read_u64(fields, "tensors"));
  TRY(facts.context_tokens, read_u32(fields, "context_tokens"));
  TRY(facts.embedding_length, read_u32(fields, "embedding_length"));
  TRY(facts.layers, read_u32(fields, "layers"));
  TRY(facts.heads, read_u32(fields, "heads"));
  TRY(facts.kv_heads, read_u32(fields, "kv_heads"));
  TRY(facts.key_length, read_u32(fields, "key_length"));
  TRY(facts.value_length, read_u32(fields, "value_length"));
  TRY(facts.vocabulary, read_u32(fields, "vocabulary"));
  TRY(facts.tokenizer, read_text(fields, "tokenizer", kFactBytesMax));
  TRY(facts.chat_template, read_text(fields, "chat_template", kFactBytesMax));
  TRY(facts.fingerprint, read_fingerprint(fields));
  return facts;
}

Result<Reply> read_progress(const Fields& fields) {
  TRY(const float fraction, read_float(fields, "fraction", {0, 1}));
  return Reply(LoadProgress{fraction});
}

Result<Reply> read_loaded(const Fields& fields) {
  Loaded loaded;
  TRY(const auto facts, read_object(fields, "facts"));
  TRY(loaded.facts, read_facts(facts));
  TRY(loaded.context_tokens, read_u32(fields, "context_tokens", 1));
  TRY(loaded.slots, read_u32(fields, "slots", 1, kSlotsMax));
  TRY(loaded.threads, read_u32(fields, "threads", 1, kThreadsMax));
  TRY(loaded.kv_type, read_enum<KvType>(fields, "kv_type", 3));
  if (loaded.kv_type == KvType::Auto) return fields.wrong("kv_type", "must have been chosen");
  TRY(loaded.can_embed, read_flag(fields, "can_embed"));
  TRY(loaded.batch_invariant, read_flag(fields, "batch_invariant"));
  TRY(loaded.numerics, read_text(fields, "numerics", kNumericsBytesMax));
  return Reply(std::move(loaded));
}

Result<Reply> read_load_failed(const Fields& fields) {
  TRY(const auto object, read_object(fields, "error"));
  TRY(auto failure, read_error(object));
  return Reply(LoadFailed{std::move(failure.error)});
}

Result<Reply> read_generate_event(const Fields& fields) {
  GenerateEvent event;
  TRY(event.id, read_u64(fields, "id"));
  TRY(event.event, read_event(fields));
  return Reply(std::move(event));
}

Result<std::vector<float>> read_vector(const json& item, const std::string& path) {
  if (!item.is_binary()) return field_error(path, "bytes are required");
  const auto& bytes = item.get_binary();
  if (bytes.empty() || bytes.size() % sizeof(float) != 0)
    return field_error(path, "whole floats of 4 bytes are required");
  std::vector<float> vector(bytes.size() / sizeof(float));
  std::memcpy(vector.data(), bytes.data(), bytes.size());
  if (!std::all_of(vector.begin(), vector.end(), [](float it) { return std::isfinite(it); }))
    return field_error(path, "holds a number that is not finite");
  return vector;
}

Result<Reply> read_embedded(const Fields& fields) {
  Embedded embedded;
  TRY(embedded.id, read_u64(fields, "id"));
  TRY(const json* vectors, read_array(fields, "vectors", kEmbedInputsMax));
  for (const json& item : *vectors) {
    const auto path = item_path("vectors", embedded.vectors.size());
    TRY(auto vector, read_vector(item, path));
    const bool same = embedded.vectors.empty() || embedded.vectors[0].size() == vector.size();
    if (!same) return field_error(path, "has another length than the first");
    embedded.vectors.push_back(std::move(vector));
  }
  TRY(embedded.prompt_tokens, read_u32(fields, "prompt_tokens"));
  return Reply(std::move(embedded));
}

Result<Reply> read_token_list(const Fields& fields) {
  Tokens tokens;
  TRY(tokens.id, read_u64(fields, "id"));
  TRY(tokens.tokens, read_tokens(fields, "tokens"));
  return Reply(std::move(tokens));
}

Result<Reply> read_text_reply(const Fields& fields) {
  Text text;
  TRY(text.id, read_u64(fields, "id"));
  TRY(text.text, read_text(fields, "text"));
  return Reply(std::move(text));
}

Result<CoreUse> read_core_use(const Fields& fields) {
  CoreUse use;
  TRY(use.threads, read_u32(fields, "threads", 0, kThreadsMax));
  TRY(use.cores, read_u32(fields, "cores"));
  TRY(use.limit, read_enum<CoreUse::Limit>(fields, "limit", 5));
  TRY(use.engines, read_u32(fields, "engines", 1));
  TRY(use.shares, read_flag(fields, "shares"));
  TRY(use.neighbour_cores, read_float(fields, "neighbour_cores", {0, kNeighboursMax}));
  TRY(use.downs, read_u64(fields, "downs"));
  TRY(use.ups, read_u64(fields, "ups"));
  TRY(use.denied_us, read_u64(fields, "denied_us"));
  return use;
}

Result<PrefixUse> read_prefix_use(const Fields& fields) {
  PrefixUse use;
  TRY(use.hits, read_u64(fields, "hits"));
  TRY(use.misses, read_u64(fields, "misses"));
  TRY(use.evictions, read_u64(fields, "evictions"));
  TRY(use.kept, read_u32(fields, "kept"));
  TRY(use.pinned, read_u32(fields, "pinned"));
  return use;
}

Result<Reply> read_stats(const Fields& fields) {
  StatsReply stats;
  TRY(stats.id, read_u64(fields, "id"));
  TRY(stats.generating, read_u32(fields, "generating"));
  TRY(stats.waiting, read_u32(fields, "waiting"));
  TRY(stats.prompt_tokens, read_u64(fields, "prompt_tokens"));
  TRY(stats.cached_tokens, read_u64(fields, "cached_tokens"));
  TRY(stats.completion_tokens, read_u64(fields, "completion_tokens"));
  TRY(stats.decode_steps, read_u64(fields, "decode_steps"));
  TRY(stats.kv_cells_used, read_u32(fields, "kv_cells_used"));
  TRY(stats.kv_cells, read_u32(fields, "kv_cells"));
  TRY(stats.resident_bytes, read_u64(fields, "resident_bytes"));
  TRY(const auto prefixes, read_object(fields, "prefixes"));
  TRY(stats.prefixes, read_prefix_use(prefixes));
  TRY(const auto cores, read_object(fields, "cores"));
  TRY(stats.cores, read_core_use(cores));
  return Reply(stats);
}

Result<Reply> read_request_failed(const Fields& fields) {
  TRY(const auto id, read_u64(fields, "id"));
  TRY(const auto object, read_object(fields, "error"));
  TRY(auto failure, read_error(object));
  return Reply(RequestFailed{id, std::move(failure.error)});
}

Result<Reply> read_snapshot_stats(const Fields& fields) {
  SnapshotStats stats;
  TRY(stats.saved, read_u64(fields, "saved"));
  TRY(stats.restored, read_u64(fields, "restored"));
  TRY(stats.refused, read_u64(fields, "refused"));
  TRY(stats.skipped, read_u64(fields, "skipped"));
  TRY(stats.evicted, read_u64(fields, "evicted"));
  TRY(stats.restored_tokens, read_u64(fields, "restored_tokens"));
  TRY(stats.bytes, read_u64(fields, "bytes"));
  TRY(stats.files, read_u64(fields, "files"));
  return Reply(stats);
}

}  // namespace

ReplyType reply_type(const Reply& reply) {
  return std::visit([](const auto& it) { return type(it); }, reply);
}

json reply_body(const Reply& reply) {
  return std::visit([](const auto& it) { return body(it); }, reply);
}

Result<Reply> read_reply(std::uint8_t type, const json& value) {
  TRY(const auto fields, Fields::of(value));
  switch (static_cast<ReplyType>(type)) {
    case ReplyType::LoadProgress: return read_progress(fields);
    case ReplyType::Loaded: return read_loaded(fields);
    case ReplyType::LoadFailed: return read_load_failed(fields);
    case ReplyType::GenerateEvent: return read_generate_event(fields);
    case ReplyType::Embedded: return read_embedded(fields);
    case ReplyType::Tokens: return read_token_list(fields);
    case ReplyType::Text: return read_text_reply(fields);
    case ReplyType::StatsReply: return read_stats(fields);
    case ReplyType::RequestFailed: return read_request_failed(fields);
    case ReplyType::SnapshotStats: return read_snapshot_stats(fields);
  }
  return field_error("type", "unknown reply " + std::to_string(type));
}

}  // namespace hearth::engine::wire
