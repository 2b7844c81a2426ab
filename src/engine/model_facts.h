#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace hearth::engine {

/// What a model file says about itself.
struct ModelFacts {
  std::string name;              // general.name, or the file's name
  std::string architecture;      // "llama", "qwen2", …
  std::string quantization;      // "Q8_0", "Q4_K - Medium", …; "unknown" for an unnamed mix
  std::uint64_t size_bytes = 0;  // the whole file
  std::uint64_t parameters = 0;  // sum of all tensors' elements
  std::uint64_t tensors = 0;
  std::uint32_t context_tokens = 0;  // trained for
  std::uint32_t embedding_length = 0;
  std::uint32_t layers = 0;
  std::uint32_t heads = 0, kv_heads = 0;
  std::uint32_t key_length = 0, value_length = 0;  // of one head
  std::uint32_t vocabulary = 0;                    // tokens
  std::string tokenizer;                           // tokenizer.ggml.model
  std::string chat_template;                       // empty if the file has none
  std::string fingerprint;  // SHA-256 of the file, 64 hex; empty until computed
};

/// Reads the facts from a GGUF file's header without loading it and without llama.cpp, and checks
/// all that llama.cpp would trust: magic, version, counts, every key and type, each tensor's shape,
/// type and offset, and that the data really lies inside the file. Bounded; safe on hostile files.
/// Source: ggml/docs/gguf.md, version 3 (2 is accepted).
/// Errors: NotFound (no such file), InvalidInput (not a GGUF file), Corrupt (cut short, tensor out
/// of range, inconsistent), TooLarge (counts above the bounds). One sentence that names the file's
/// problem.
Result<ModelFacts> read_model_facts(const std::string& path);

/// The same from bytes in memory. `size_bytes` of the result is bytes.size().
Result<ModelFacts> parse_model_facts(std::string_view bytes);

/// Bytes of memory that loading needs: weights, KV cache of `context_tokens` x `slots`, compute
/// buffers (estimate, high). `kv_bytes_per_value` is 2 for f16, 34/32 for q8_0.
std::uint64_t memory_needed_bytes(const ModelFacts& facts, std::uint64_t kv_tokens,
                                  double kv_bytes_per_value);

}  // namespace hearth::engine
