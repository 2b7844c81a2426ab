#include "engine/runtime/sampler.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/fields.h"
#include "engine/runtime/guard.h"

namespace hearth::engine {
namespace {

constexpr float kTemperatureMin = 1e-3f;

bool within(float value, float min, float max) {
  return value >= min && value <= max;
}  // false for NaN

Result<void> check(const chat::Sampling& sampling) {
  if (!within(sampling.temperature, 0, 2))
    return field_error("temperature", "a number from 0 to 2 is required");
  if (sampling.top_k < 0) return field_error("top_k", "must not be negative");
  if (!within(sampling.top_p, 0, 1))
    return field_error("top_p", "a number from 0 to 1 is required");
  if (!within(sampling.min_p, 0, 1))
    return field_error("min_p", "a number from 0 to 1 is required");
  if (!within(sampling.typical_p, 0, 1))
    return field_error("typical_p", "a number from 0 to 1 is required");
  // llama.cpp divides by it: far smaller values than anyone wants would overflow.
  if (!within(sampling.repeat_penalty, 1e-3f, 2))
    return field_error("repeat_penalty", "a number from 0.001 to 2 is required");
  if (sampling.repeat_last_n < -1) return field_error("repeat_last_n", "-1 or more is required");
  if (!within(sampling.presence_penalty, -2, 2))
    return field_error("presence_penalty", "a number from -2 to 2 is required");
  if (!within(sampling.frequency_penalty, -2, 2))
    return field_error("frequency_penalty", "a number from -2 to 2 is required");
  return ok();
}

Result<void> check_bias(const chat::Sampling& sampling, std::int32_t vocabulary) {
  if (sampling.logit_bias.size() > chat::kLogitBiasMax)
    return field_error("logit_bias", "has " + std::to_string(sampling.logit_bias.size()) +
                                         " entries, at most " +
                                         std::to_string(chat::kLogitBiasMax) + " are allowed");
  for (const auto& [token, bias] : sampling.logit_bias) {
    if (token < 0 || token >= vocabulary)
      return field_error("logit_bias", "token " + std::to_string(token) +
                                           " is not in the vocabulary of " +
                                           std::to_string(vocabulary));
    if (!within(bias, -100, 100))
      return field_error("logit_bias", "a bias from -100 to 100 is required");
  }
  return ok();
}

/// The field that a refused constraint came from.
const char* constraint_field(const chat::Request& request) {
  switch (request.format.kind) {
    case chat::OutputFormat::Kind::Grammar: return "grammar";
    case chat::OutputFormat::Kind::JsonObject:
    case chat::OutputFormat::Kind::JsonSchema: return "response_format";
    case chat::OutputFormat::Kind::Text: break;
  }
  return "tools";
}

bool penalizes(const chat::Sampling& sampling) {
  const bool wanted = sampling.repeat_penalty != 1 || sampling.presence_penalty != 0 ||
                      sampling.frequency_penalty != 0;
  return wanted && sampling.repeat_last_n != 0;
}

/// Only the steps that change anything: each costs a pass over the vocabulary.
std::vector<common_sampler_type> steps(const chat::Sampling& sampling) {
  std::vector<common_sampler_type> steps;
  if (penalizes(sampling)) steps.push_back(COMMON_SAMPLER_TYPE_PENALTIES);
  if (sampling.temperature > 0) {
    if (sampling.top_k > 0) steps.push_back(COMMON_SAMPLER_TYPE_TOP_K);
    if (sampling.typical_p < 1) steps.push_back(COMMON_SAMPLER_TYPE_TYPICAL_P);
    if (sampling.top_p < 1) steps.push_back(COMMON_SAMPLER_TYPE_TOP_P);
    if (sampling.min_p > 0) steps.push_back(COMMON_SAMPLER_TYPE_MIN_P);
  }
  if (sampling.temperature != 1) steps.push_back(COMMON_SAMPLER_TYPE_TEMPERATURE);
  return steps;
}

common_params_sampling parameters(const LoadedModel& model, const chat::Request& request,
                                  const PreparedPrompt& prompt, std::uint32_t seed) {
  const chat::Sampling& sampling = request.sampling;
  common_params_sampling params;
  // llama.cpp reads the largest seed as a wish for a random one.
  params.seed = std::min(seed, LLAMA_DEFAULT_SEED - 1);
  params.no_perf = true;
  // Below this, dividing the logits could give infinities; the likeliest token wins long before.
  params.temp = sampling.temperature > 0 ? std::max(sampling.temperature, kTemperatureMin) : 0;
  params.top_k = sampling.top_k;
  params.top_p = sampling.top_p;
  params.min_p = sampling.min_p;
  params.typ_p = sampling.typical_p;
  params.min_keep = 1;  // top_p = 0 means the likeliest token, not none
  params.penalty_repeat = sampling.repeat_penalty;
  params.penalty_present = sampling.presence_penalty;
  params.penalty_freq = sampling.frequency_penalty;
  const auto context = static_cast<std::int32_t>(model.context_tokens);
  params.penalty_last_n =
      sampling.repeat_last_n < 0 ? context : std::min(sampling.repeat_last_n, context);
  params.samplers = steps(sampling);
  for (const auto& [token, bias] : sampling.logit_bias) params.logit_bias.push_back({token, bias});
  if (request.ignore_eos) {
    for (const llama_token token : model.end_tokens)
      params.logit_bias.push_back({token, -INFINITY});
  }
  prompt.constrain(params);
  return params;
}

/// The largest logit's token; the lowest of equals.
llama_token greediest(const float* logits, std::int32_t vocabulary,
                      const std::vector<llama_token>& forbidden) {
  llama_token best = -1;
  for (llama_token token = 0; token < vocabulary; ++token) {
    if (best >= 0 && !(logits[token] > logits[best])) continue;
    if (std::find(forbidden.begin(), forbidden.end(), token) == forbidden.end()) best = token;
  }
  return best;
}

chat::TokenLogprob described(const LoadedModel& model, llama_token token, double logprob) {
  return {.token = token,
          .bytes = model.piece(token, true),
          .logprob = static_cast<float>(std::min(logprob, 0.0))};
}

}  // namespace

Result<Sampler> Sampler::make(const LoadedModel& model, const chat::Request& request,
                              const PreparedPrompt& prompt, std::uint32_t seed) {
  Sampler sampler;
  sampler.vocabulary_ = model.vocabulary();
  TRY_VOID(check(request.sampling));
  TRY_VOID(check_bias(request.sampling, sampler.vocabulary_));
  common_params_sampling params = parameters(model, request, prompt, seed);
  const std::string& grammar = common_grammar_value(params.grammar);
  // llama.cpp would hand this one to a library that is not built in, and abort.
  if (grammar.starts_with("%llguidance")) return field_error("grammar", "only GBNF is supported");

  const bool greedy = request.sampling.temperature == 0 && grammar.empty() &&
                      !penalizes(request.sampling) && request.sampling.logit_bias.empty() &&
                      !model.suppresses_tokens;
  if (greedy) {
    if (request.ignore_eos) sampler.forbidden_ = model.end_tokens;
    return sampler;
  }
  auto made = guarded(Code::InvalidInput, "the grammar was refused",
                      [&] { return common_sampler_init(model.model.get(), params); });
  const char* field = constraint_field(request);
  if (!made.ok()) return Error{Code::InvalidInput, made.error().message, field};
  if (!made.value()) return field_error(field, "the grammar does not parse");
  sampler.chain_.reset(made.value());
  if (penalizes(request.sampling)) {
    for (const llama_token token : prompt.tokens)
      common_sampler_accept(sampler.chain_.get(), token, false);
  }
  return sampler;
}

Result<llama_token> Sampler::sample(llama_context* context, std::int32_t index) {
  if (!chain_) {
    const float* logits = llama_get_logits_ith(context, index);
    return greediest(logits, vocabulary_, forbidden_);
  }
  return guarded(Code::InvalidInput, "the grammar allows no further token", [&] {
    const llama_token token = common_sampler_sample(chain_.get(), context, index);
    common_sampler_accept(chain_.get(), token, true);
    return token;
  });
}

chat::TokenChoice describe_choice(const LoadedModel& model, const float* logits, llama_token chosen,
                                  std::uint32_t top) {
  const std::int32_t vocabulary = model.vocabulary();
  const double largest = *std::max_element(logits, logits + vocabulary);
  double sum = 0;
  for (std::int32_t i = 0; i < vocabulary; ++i) sum += std::exp(logits[i] - largest);
  const double log_sum = largest + std::log(sum);

  chat::TokenChoice choice{.chosen = described(model, chosen, logits[chosen] - log_sum)};
  if (top == 0) return choice;
  std::vector<llama_token> order(vocabulary);
  std::iota(order.begin(), order.end(), 0);
  const auto count = std::min<std::int64_t>(top, vocabulary);
  const auto likelier = [logits](llama_token a, llama_token b) {
    return logits[a] != logits[b] ? logits[a] > logits[b] : a < b;
  };
  std::partial_sort(order.begin(), order.begin() + count, order.end(), likelier);
  for (std::int64_t i = 0; i < count; ++i)
    choice.top.push_back(described(model, order[i], logits[order[i]] - log_sum));
  return choice;
}

}  // namespace hearth::engine
