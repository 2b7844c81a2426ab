#pragma once
#include <string>
#include <variant>
#include <vector>

#include "api/openai/common_fields.h"
#include "model/model.h"

/// The other requests of the OpenAI API, checked. Pure; errors are InvalidInput with the field.
namespace hearth::api {

inline constexpr std::size_t kPromptsMax = 16;         // of one /v1/completions
inline constexpr std::size_t kCompletionsMax = 32;     // prompts times n: the line of one model
inline constexpr std::size_t kEmbedInputsMax = 2'048;  // as OpenAI

using TextOrTokens = std::variant<std::string, std::vector<chat::Token>>;

/// A checked /v1/completions request.
struct CompletionRequest {
  std::vector<TextOrTokens> prompts;  // 1..kPromptsMax
  chat::Request request;              // its prompt is still to be set
  Delivery delivery{};                // choices are per prompt
  bool echo = false;
};
Result<CompletionRequest> parse_completion_request(const nlohmann::ordered_json& body,
                                                   std::uint32_t vocabulary);

/// A checked /v1/embeddings request.
struct EmbeddingRequest {
  std::vector<model::EmbedInput> inputs;  // 1..kEmbedInputsMax, none empty
  bool base64 = false;
};
/// `embedding_length`: of the model, 0 if unknown; another `dimensions` is refused.
Result<EmbeddingRequest> parse_embedding_request(const nlohmann::ordered_json& body,
                                                 std::uint32_t vocabulary,
                                                 std::uint32_t embedding_length);

/// A checked /tokenize request: `content` (llama-server) or `text`.
struct TokenizeRequest {
  std::string text;
  bool add_special = false, parse_special = false;
};
Result<TokenizeRequest> parse_tokenize_request(const nlohmann::ordered_json& body);
Result<std::vector<chat::Token>> parse_detokenize_request(const nlohmann::ordered_json& body,
                                                          std::uint32_t vocabulary);

/// RFC 4648 base64 of little-endian 32-bit floats, the SDKs' default encoding of embeddings.
std::string base64_floats(const std::vector<float>& values);

}  // namespace hearth::api
