#include "engine/model_facts.h"

#include <cmath>
#include <limits>

#include "engine/gguf/byte_source.h"
#include "engine/gguf/gguf_file.h"
#include "engine/gguf/model_check.h"

namespace hearth::engine {
namespace {

constexpr double kBatchTokens = 512;  // of one computation
constexpr double kFixedBytes = 64.0 * 1024 * 1024;

/// The last part of a path without ".gguf".
std::string file_name(const std::string& path) {
  std::string name = path.substr(path.find_last_of('/') + 1);
  if (name.ends_with(".gguf")) name.resize(name.size() - 5);
  return name;
}

Result<ModelFacts> facts_from(const ByteSource& source) {
  TRY(const GgufFile file, read_gguf(source));
  return facts_of(file);
}

}  // namespace

Result<ModelFacts> read_model_facts(const std::string& path) {
  TRY(const FileSource file, FileSource::open(path));
  TRY(ModelFacts facts, facts_from(file));
  if (facts.name.empty()) facts.name = file_name(path);
  return facts;
}

Result<ModelFacts> parse_model_facts(std::string_view bytes) {
  return facts_from(MemorySource(bytes));
}

std::uint64_t memory_needed_bytes(const ModelFacts& facts, std::uint64_t kv_tokens,
                                  double kv_bytes_per_value) {
  const double values_a_token = static_cast<double>(facts.layers) * facts.kv_heads *
                                (static_cast<double>(facts.key_length) + facts.value_length);
  const double kv = values_a_token * static_cast<double>(kv_tokens) * kv_bytes_per_value;
  // Activations of one batch (about 16 vectors of the model's length each), its attention scores,
  // and the likelihoods of every token for 64 of its positions.
  const double activations = kBatchTokens * facts.embedding_length * 16 * 4;
  const double scores = kBatchTokens * 64 * facts.heads * 4;
  const double likelihoods = 64.0 * facts.vocabulary * 4;
  const double total =
      static_cast<double>(facts.size_bytes) + kv + activations + scores + likelihoods + kFixedBytes;
  constexpr auto kMost = std::numeric_limits<std::uint64_t>::max();
  return total >= static_cast<double>(kMost) ? kMost : static_cast<std::uint64_t>(total);
}

}  // namespace hearth::engine
