#include "api/openai/endpoints.h"

#include <utility>

#include "api/openai/chat_request.h"
#include "api/openai/text_request.h"
#include "api/openai/writer.h"
#include "api/run/run.h"
#include "api/sessions/session_chat.h"
#include "base/random.h"
#include "vault/secret.h"

namespace hearth::api {
namespace {

using json = nlohmann::ordered_json;

/// Changes with the model file, with this program, and with how the engine computes; empty until
/// the file's hash is known.
std::string fingerprint_of(const model::Model& model) {
  const std::string file = model.facts().fingerprint;
  if (file.empty()) return "";
  return "fp_" + vault::sha256_hex(file + HEARTH_VERSION + model.numerics()).substr(0, 10);
}

/// A parsed body and the model it names.
struct Addressed {
  json body;
  model::Model* model;
};

/// Answers the exchange itself when it gives nothing.
std::optional<Addressed> address(const Workplace& with, const net::Request& request,
                                 net::Exchange& exchange) {
  auto body = parse_json(request.body, "body");
  if (!body.ok()) return answer(exchange, http_error(body.error())), std::nullopt;
  const auto fields = Fields::of(body.value());
  if (!fields.ok())
    return answer(exchange, status_error(400, "body: a JSON object is required")), std::nullopt;
  const auto name = parse_model_name(fields.value());
  if (!name.ok()) return answer(exchange, http_error(name.error())), std::nullopt;
  auto* model = with.parts.models.find(name.value());
  if (!model) return answer(exchange, no_such_model(name.value(), with.parts.models)), std::nullopt;
  return Addressed{std::move(body).value(), model};
}

/// Adds `delivery.choices` generations of `request` to the plan.
void add_choices(RunPlan& plan, const chat::Request& request, const Delivery& delivery,
                 const std::string& echo) {
  const auto* conversation = std::get_if<chat::Conversation>(&request.prompt);
  const bool has_schemas = (conversation && !conversation->tools.empty()) ||
                           request.format.kind == chat::OutputFormat::Kind::JsonSchema;
  if (has_schemas && !plan.check) plan.check.emplace(request);
  for (std::uint32_t k = 0; k < delivery.choices; ++k) {
    chat::Request one = request;
    const auto seed = request.deterministic ? delivery.seed.value_or(0) : delivery.seed;
    if (seed) one.sampling.seed = seed_of(*seed, k);
    Choice choice;
    choice.index = static_cast<std::uint32_t>(plan.choices.size());
    choice.counts_prompt = k == 0;
    choice.echo = echo;
    if (request.top_logprobs) choice.logprobs.emplace();
    plan.requests.push_back(std::move(one));
    plan.choices.push_back(std::move(choice));
  }
}

/// The prompt's text, which `echo` repeats. Blocks for a prompt of tokens.
Result<std::string> prompt_text(const TextOrTokens& prompt, model::Model& model,
                                const net::Exchange& exchange) {
  if (const auto* text = std::get_if<std::string>(&prompt)) return *text;
  return model.detokenize(Call::within(kTokenizeTimeout, exchange.stop()),
                          std::get<std::vector<chat::Token>>(prompt));
}

chat::Prompt as_prompt(TextOrTokens input) {
  if (auto* text = std::get_if<std::string>(&input)) return chat::PlainText{std::move(*text)};
  return chat::PlainTokens{std::move(std::get<std::vector<chat::Token>>(input))};
}

void start_completions(Workplace& with, model::Model& model, CompletionRequest parsed,
                       const ExchangePtr& exchange) {
  RunPlan plan;
  plan.writer = make_openai_writer(
      make_text_form(header_for(with, "cmpl-", model, parsed.delivery.include_usage)), "prompt");
  plan.stream = parsed.delivery.stream;
  for (auto& prompt : parsed.prompts) {
    std::string echo;
    if (parsed.echo) {
      auto text = prompt_text(prompt, model, *exchange);
      if (!text.ok()) return answer(*exchange, model_error(text.error(), "prompt"));
      echo = std::move(text).value();
    }
    parsed.request.prompt = as_prompt(std::move(prompt));
    add_choices(plan, parsed.request, parsed.delivery, echo);
  }
  std::make_shared<Run>(std::move(plan), exchange, with.runs)->start(model);
}

Json embedding_json(const std::vector<float>& vector, std::size_t index, bool base64) {
  Json out = {{"object", "embedding"}, {"index", index}};
  out["embedding"] = base64 ? Json(base64_floats(vector)) : Json(vector);
  return out;
}

Json embeddings_json(const model::Embeddings& result, const std::string& model, bool base64) {
  Json list = Json::array();
  for (std::size_t i = 0; i < result.vectors.size(); ++i)
    list.push_back(embedding_json(result.vectors[i], i, base64));
  Json out = {{"object", "list"}};
  out["data"] = std::move(list);
  out["model"] = model;
  out["usage"] = {{"prompt_tokens", result.prompt_tokens}, {"total_tokens", result.prompt_tokens}};
  return out;
}

const char* state_name(model::State state) {
  switch (state) {
    case model::State::Loading: return "loading";
    case model::State::Ready: return "ready";
    case model::State::Restarting: return "restarting";
    case model::State::Failed: return "failed";
    case model::State::Unloaded: break;
  }
  return "unloaded";
}

Json model_json(const Workplace& with, const model::Model& model) {
  const engine::ModelFacts facts = model.facts();
  Json meta = {{"n_vocab", facts.vocabulary},         {"n_ctx", model.context_tokens()},
               {"n_ctx_train", facts.context_tokens}, {"n_embd", facts.embedding_length},
               {"n_params", facts.parameters},        {"size", facts.size_bytes},
               {"ftype", facts.quantization},         {"architecture", facts.architecture},
               {"fingerprint", facts.fingerprint}};
  Json out = {{"id", model.name()},
              {"object", "model"},
              {"created", with.started_s},
              {"owned_by", "hearth"}};
  out["meta"] = std::move(meta);
  out["state"] = state_name(model.state());
  const model::Router* const router = with.parts.models.router;
  const auto place = router ? router->place_of(model) : std::nullopt;
  std::string text = model.state_text();
  if (text.empty() && place) text = place->remark;
  if (!text.empty()) out["state_text"] = text;
  if (std::string level = with.parts.models.level_of(model); !level.empty())
    out["level"] = std::move(level);
  return out;
}

}  // namespace

Header header_for(const Workplace& with, const char* prefix, model::Model& model,
                  bool include_usage) {
  return {random_id(prefix), unix_time<std::chrono::seconds>(with.parts.time), model.name(),
          fingerprint_of(model), include_usage};
}

void chat_completions(Workplace& with, const net::Request& request, std::uint64_t account,
                      const ExchangePtr& exchange) {
  auto addressed = address(with, request, *exchange);
  if (!addressed) return;
  model::Model& model = *addressed->model;
  if (addressed->body.contains("session_id"))
    return chat_in_session(with, request, addressed->body, model, account, exchange);
  auto parsed = parse_chat_request(addressed->body, model.facts().vocabulary);
  if (!parsed.ok()) return answer(*exchange, http_error(parsed.error()));
  parsed.value().request.account = account;
  const Delivery& delivery = parsed.value().delivery;
  RunPlan plan;
  plan.writer = make_openai_writer(
      make_chat_form(header_for(with, "chatcmpl-", model, delivery.include_usage)));
  plan.stream = delivery.stream;
  add_choices(plan, parsed.value().request, delivery, "");
  std::make_shared<Run>(std::move(plan), exchange, with.runs)->start(model);
}

void completions(Workplace& with, const net::Request& request, std::uint64_t account,
                 const ExchangePtr& exchange) {
  auto addressed = address(with, request, *exchange);
  if (!addressed) return;
  model::Model& model = *addressed->model;
  auto parsed = parse_completion_request(addressed->body, model.facts().vocabulary);
  if (!parsed.ok()) return answer(*exchange, http_error(parsed.error()));
  parsed.value().request.account = account;
  if (!parsed.value().echo)
    return start_completions(with, model, std::move(parsed).value(), exchange);
  at_desk(with, exchange, [&with, &model, exchange, wanted = std::move(parsed).value()]() mutable {
    start_completions(with, model, std::move(wanted), exchange);
  });
}

void embeddings(Workplace& with, const net::Request& request, const ExchangePtr& exchange) {
  auto addressed = address(with, request, *exchange);
  if (!addressed) return;
  model::Model& model = *addressed->model;
  const engine::ModelFacts facts = model.facts();
  auto parsed = parse_embedding_request(addressed->body, facts.vocabulary, facts.embedding_length);
  if (!parsed.ok()) return answer(*exchange, http_error(parsed.error()));
  at_desk(with, exchange, [&with, &model, exchange, wanted = std::move(parsed).value()]() mutable {
    const auto result = model.embed(model_call(with, *exchange), std::move(wanted.inputs));
    if (!result.ok()) return answer(*exchange, model_error(result.error(), "input"));
    answer(*exchange, embeddings_json(result.value(), model.name(), wanted.base64));
  });
}

void tokenize(Workplace& with, const net::Request& request, const ExchangePtr& exchange) {
  auto addressed = address(with, request, *exchange);
  if (!addressed) return;
  auto parsed = parse_tokenize_request(addressed->body);
  if (!parsed.ok()) return answer(*exchange, http_error(parsed.error()));
  at_desk(with, exchange,
          [model = addressed->model, exchange, wanted = std::move(parsed).value()]() mutable {
            const auto tokens =
                model->tokenize(Call::within(kTokenizeTimeout, exchange->stop()),
                                std::move(wanted.text), wanted.add_special, wanted.parse_special);
            if (!tokens.ok()) return answer(*exchange, model_error(tokens.error(), "content"));
            answer(*exchange, Json{{"tokens", tokens.value()}});
          });
}

void detokenize(Workplace& with, const net::Request& request, const ExchangePtr& exchange) {
  auto addressed = address(with, request, *exchange);
  if (!addressed) return;
  auto parsed = parse_detokenize_request(addressed->body, addressed->model->facts().vocabulary);
  if (!parsed.ok()) return answer(*exchange, http_error(parsed.error()));
  at_desk(with, exchange,
          [model = addressed->model, exchange, tokens = std::move(parsed).value()]() mutable {
            const auto text = model->detokenize(Call::within(kTokenizeTimeout, exchange->stop()),
                                                std::move(tokens));
            if (!text.ok()) return answer(*exchange, model_error(text.error(), "tokens"));
            answer(*exchange, Json{{"content", text.value()}});
          });
}

void list_models(Workplace& with, const ExchangePtr& exchange) {
  Json list = Json::array();
  for (const auto* model : with.parts.models.all) list.push_back(model_json(with, *model));
  Json out = {{"object", "list"}};
  out["data"] = std::move(list);
  answer(*exchange, out);
}

void show_model(Workplace& with, const std::string& id, const ExchangePtr& exchange) {
  const auto* model = with.parts.models.find(id);
  if (!model) return answer(*exchange, no_such_model(id, with.parts.models));
  answer(*exchange, model_json(with, *model));
}

void explain_route(Workplace& with, const net::Request& request, const ExchangePtr& exchange) {
  auto addressed = address(with, request, *exchange);
  if (!addressed) return;
  auto parsed = parse_chat_request(addressed->body, addressed->model->facts().vocabulary);
  if (!parsed.ok()) return answer(*exchange, http_error(parsed.error()));
  const model::Router* const router = with.parts.models.router;
  const std::string& name = addressed->model->name();
  if (router && router->find(name) == addressed->model)
    return answer(*exchange, route_json(router->explain(name, parsed.value().request)));
  answer(*exchange, route_json({.asked = name,
                                .model = name,
                                .level = with.parts.models.level_of(*addressed->model),
                                .reasons = {"it was named"}}));
}

void order_model(Workplace& with, const std::string& id, bool loaded, const ExchangePtr& exchange) {
  auto* const model = with.parts.models.find(id);
  if (!model) return answer(*exchange, no_such_model(id, with.parts.models));
  const auto ordered = loaded ? model->load() : model->unload();
  if (!ordered.ok()) return answer(*exchange, http_error(ordered.error()));
  exchange->respond({202, dump(model_json(with, *model)), {{"Content-Type", "application/json"}}});
}

}  // namespace hearth::api
