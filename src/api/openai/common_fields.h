#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/fields.h"
#include "chat/generation.h"

/// Request fields that /v1/chat/completions and /v1/completions share. Every reader is pure and
/// strict: a value of the wrong type or out of its range is InvalidInput naming field and limit.
/// Source: platform.openai.com/docs/api-reference, llama-server for the samplers OpenAI has not.
namespace hearth::api {

inline constexpr std::uint32_t kChoicesMax = 8;  // `n`
inline constexpr std::uint32_t kTokensMax =
    2'147'483'647;  // `max_tokens`; the context ends it long before
inline constexpr std::int64_t kRepeatLastMax = 65'536;  // `repeat_last_n`, tokens
inline constexpr std::size_t kModelNameBytesMax = 256;  // `model`
inline constexpr std::size_t kSessionIdBytesMax = 128;  // `session_id`
inline constexpr double kSmallestShare = 1e-6;  // least top_p and typical_p that the engine takes

/// How the answer is to be delivered, and how many.
struct Delivery {
  std::uint32_t choices = 1;
  bool stream = false;
  bool include_usage = false;           // streams end with a chunk that holds the usage
  std::optional<std::uint64_t> seed{};  // any 64-bit number; absent: random
};

/// `model`; empty when absent, which means the first one.
Result<std::string> parse_model_name(const Fields& fields);

/// temperature, top_k, top_p, min_p, typical_p, repeat_penalty, repeat_last_n, presence_penalty,
/// frequency_penalty, logit_bias. `vocabulary`: tokens of the model, 0 if not known yet.
Result<chat::Sampling> parse_sampling(const Fields& fields, std::uint32_t vocabulary);

/// n, stream, stream_options.include_usage, seed (-1 is random); checks session_id.
Result<Delivery> parse_delivery(const Fields& fields);

/// deterministic: the same bytes for the same request. Not together with seed: -1.
Result<bool> parse_deterministic(const Fields& fields);

/// `cache`, Hearth's own: key, persist, pin, border. `messages` of the conversation bound the
/// border; absent: a prompt without messages, which has none.
Result<chat::Cache> parse_cache(const Fields& fields, std::optional<std::size_t> messages);

/// stop: a string or an array of at most chat::kStopMax.
Result<std::vector<std::string>> parse_stop(const Fields& fields);

/// response_format, or llama.cpp's `json_schema` and `grammar`; at most one of them.
Result<chat::OutputFormat> parse_format(const Fields& fields);

/// An array of token ids, each below `vocabulary` (0: unknown, any non-negative 32-bit number).
Result<std::vector<chat::Token>> parse_tokens(const nlohmann::ordered_json& value,
                                              const std::string& path, std::uint32_t vocabulary);

/// The engine's seed for the choice of this index: the seed itself where it fits, else a hash, so
/// that equal numbers always mean equal answers and each choice differs.
std::uint32_t seed_of(std::uint64_t seed, std::uint32_t choice_index);

}  // namespace hearth::api
