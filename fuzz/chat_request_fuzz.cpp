// Any bytes as the body of a request to the API: a checked struct or an error that says why. What
// is accepted keeps the bounds that the engine relies on.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "api/openai/chat_request.h"
#include "api/openai/text_request.h"

namespace {

constexpr std::uint32_t kVocabulary = 4'096;

void require(bool holds) {
  if (!holds) std::abort();
}

void check_generation(const hearth::chat::Request& request) {
  using namespace hearth::chat;
  const Sampling& sampling = request.sampling;
  require(sampling.temperature >= 0 && sampling.temperature <= 2);
  require(sampling.top_k >= 0 && sampling.top_p > 0 && sampling.top_p <= 1);
  require(sampling.typical_p > 0 && sampling.min_p >= 0 && sampling.min_p <= 1);
  require(sampling.repeat_penalty > 0 && sampling.repeat_last_n >= -1);
  require(sampling.logit_bias.size() <= kLogitBiasMax);
  for (const auto& [token, bias] : sampling.logit_bias)
    require(token >= 0 && token < static_cast<Token>(kVocabulary) && bias >= -100 && bias <= 100);
  require(!request.tokens_max || *request.tokens_max > 0);
  require(request.stop.size() <= kStopMax);
  for (const auto& stop : request.stop) require(!stop.empty() && stop.size() <= kStopBytesMax);
  require(!request.top_logprobs || *request.top_logprobs <= kTopLogprobsMax);
  require(request.format.source.size() <= kSchemaBytesMax);
}

void check_chat(const nlohmann::ordered_json& body) {
  const auto got = hearth::api::parse_chat_request(body, kVocabulary);
  if (!got.ok()) return require(!got.error().message.empty());
  check_generation(got.value().request);
  const auto& talk = std::get<hearth::chat::Conversation>(got.value().request.prompt);
  require(!talk.messages.empty() && talk.messages.size() <= hearth::chat::kMessagesMax);
  require(talk.tools.size() <= hearth::chat::kToolsMax);
  require(got.value().delivery.choices >= 1 &&
          got.value().delivery.choices <= hearth::api::kChoicesMax);
}

void check_texts(const nlohmann::ordered_json& body) {
  const auto completion = hearth::api::parse_completion_request(body, kVocabulary);
  if (completion.ok()) check_generation(completion.value().request);
  const auto embedding = hearth::api::parse_embedding_request(body, kVocabulary, 8);
  require(!embedding.ok() || embedding.value().inputs.size() <= hearth::api::kEmbedInputsMax);
  require(hearth::api::parse_tokenize_request(body).ok() || true);
  require(hearth::api::parse_detokenize_request(body, kVocabulary).ok() || true);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto body = hearth::parse_json(text, "body");
  if (!body.ok()) return 0;
  check_chat(body.value());
  check_texts(body.value());
  return 0;
}
