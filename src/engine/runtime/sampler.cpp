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
                                  std::uint32_t seed) {
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
  return params;
}

chat::TokenLogprob described(const LoadedModel& model, llama_token token, double logprob) {
  return {.token = token,
          .bytes = model.piece(token, true),
          .logprob = static_cast<float>(std::min(logprob, 0.0))};
}

}  // namespace

Result<Sampler> Sampler::make(const LoadedModel& model, const chat::Request& request,
                              const PreparedPrompt& prompt, std::uint32_t seed,
                              GrammarCache& grammars) {
  Sampler sampler;
  sampler.vocabulary_ = model.vocabulary();
  TRY_VOID(check(request.sampling));
  TRY_VOID(check_bias(request.sampling, sampler.vocabulary_));
  TRY_VOID(sampler.constrain(model, request, prompt, grammars));
  const bool greedy = request.sampling.temperature == 0 && !penalizes(request.sampling) &&
                      request.sampling.logit_bias.empty() && !model.suppresses_tokens;
  if (greedy) {
    if (request.ignore_eos) sampler.forbidden_ = model.end_tokens;
    return sampler;
  }
  common_params_sampling params = parameters(model, request, seed);
  TRY(common_sampler* const chain,
      guarded(Code::InvalidInput, "the sampling options were refused",
              [&] { return common_sampler_init(model.model.get(), params); }));
  sampler.chain_.reset(chain);
  if (penalizes(request.sampling)) {
    for (const llama_token token : prompt.tokens)
      llama_sampler_accept(common_sampler_get(chain), token);
  }
  return sampler;
}

Result<void> Sampler::constrain(const LoadedModel& model, const chat::Request& request,
                                const PreparedPrompt& prompt, GrammarCache& grammars) {
  const std::string& grammar = common_grammar_value(prompt.grammar);
  if (grammar.empty()) return ok();
  const char* field = constraint_field(request);
  // llama.cpp would hand this one to a library that is not built in, and abort.
  if (grammar.starts_with("%llguidance")) return field_error(field, "only GBNF is supported");
  auto made = Constraint::make(model, prompt, grammars);
  if (!made.ok()) return field_error(field, made.error().message);
  constraint_ = std::move(made).value();
  // A forced token has no row of logits, from which probabilities come, and no bias can avoid it.
  forces_ = request.forced_tokens && !request.top_logprobs && request.sampling.logit_bias.empty() &&
            !model.suppresses_tokens;
  if (!request.ignore_eos && !model.end_tokens.empty()) end_token_ = model.end_tokens.front();
  return ok();
}

Result<llama_token> Sampler::sample(const float* logits) {
  llama_token token = choose(logits, nullptr);
  // Most tokens are allowed, and one is checked in no time; a mask costs a pass over all.
  if (constraint_ && !constraint_->allows(token)) {
    const TokenSet& allowed = constraint_->allowed();
    if (allowed.empty()) return Error{Code::InvalidInput, "the grammar allows no further token"};
    token = choose(logits, &allowed);
  }
  TRY_VOID(accept(token));
  return token;
}

llama_token Sampler::choose(const float* logits, const TokenSet* allowed) {
  if (!chain_) return greedy(logits, allowed);
  candidates_.resize(static_cast<std::size_t>(vocabulary_));
  for (llama_token token = 0; token < vocabulary_; ++token) {
    const bool possible = !allowed || allowed->contains(token);
    candidates_[static_cast<std::size_t>(token)] = {token, possible ? logits[token] : -INFINITY, 0};
  }
  llama_token_data_array array{candidates_.data(), candidates_.size(), -1, false};
  llama_sampler_apply(common_sampler_get(chain_.get()), &array);
  return array.data[array.selected].id;
}

/// The largest logit's token; the lowest of equals.
llama_token Sampler::greedy(const float* logits, const TokenSet* allowed) const {
  llama_token best = -1;
  for (llama_token token = 0; token < vocabulary_; ++token) {
    if (best >= 0 && !(logits[token] > logits[best])) continue;
    if (allowed && !allowed->contains(token)) continue;
    if (std::find(forbidden_.begin(), forbidden_.end(), token) == forbidden_.end()) best = token;
  }
  return std::max(best, 0);
}

Result<void> Sampler::accept(llama_token token) {
  if (constraint_) {
    TRY_VOID(constraint_->accept(token));
  }
  if (chain_) llama_sampler_accept(common_sampler_get(chain_.get()), token);
  return ok();
}

std::vector<llama_token> Sampler::forced() {
  if (!forces_) return {};
  if (constraint_->is_over() && end_token_ != LLAMA_TOKEN_NULL) return {end_token_};
  return constraint_->forced();
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
