#include "api/ollama/embed.h"

#include <utility>

#include "api/ollama/models.h"
#include "api/run/lost_header.h"

namespace hearth::api::ollama {
namespace {

namespace dialect = hearth::dialect::ollama;
using Read = hearth::dialect::Carried<dialect::EmbedRequest>;

constexpr std::uint32_t kEncoderTokensMax = 2'048;  // what the engine lets an encoder see

/// The inputs as tokens, at most `most` each.
Result<std::vector<model::EmbedInput>> cut(const Call& call, model::Model& model,
                                           const std::vector<std::string>& texts,
                                           std::uint32_t most) {
  std::vector<model::EmbedInput> out;
  for (const std::string& text : texts) {
    TRY(auto tokens, model.tokenize(call, text, true, false));
    if (tokens.size() > most) tokens.resize(most);
    out.emplace_back(std::move(tokens));
  }
  return out;
}

/// Of one input, as when it is too long.
bool is_about_an_input(const Error& error) {
  return error.code == Code::InvalidInput && error.field.starts_with("input[");
}

Result<model::Embeddings> vectors_of(const Call& call, model::Model& model,
                                     const dialect::EmbedRequest& wanted) {
  if (wanted.inputs.empty()) return model::Embeddings{};
  std::vector<model::EmbedInput> whole(wanted.inputs.begin(), wanted.inputs.end());
  auto result = model.embed(call, std::move(whole));
  if (!wanted.truncate) return result;
  for (const std::uint32_t most : {model.context_tokens(), kEncoderTokensMax}) {
    if (result.ok() || !is_about_an_input(result.error())) return result;
    TRY(auto inputs, cut(call, model, wanted.inputs, most));
    result = model.embed(call, std::move(inputs));
  }
  return result;
}

void reply(const Workplace& with, model::Model& model, const Read& read, EmbedShape shape,
           net::Exchange& exchange) {
  const auto began = with.parts.time.now();
  const auto result = vectors_of(model_call(with, exchange), model, read.what);
  if (!result.ok()) return answer(exchange, model_error(result.error(), "input"), Face::Ollama);
  const std::chrono::duration<double, std::milli> took = with.parts.time.now() - began;
  const auto& vectors = result.value().vectors;
  const Json body =
      shape == EmbedShape::One
          ? dialect::write_embeddings(vectors.empty() ? std::vector<float>() : vectors.front())
          : dialect::write_embed({.model = read.what.model}, vectors, result.value().prompt_tokens,
                                 took.count());
  net::Response response{200, body.dump(), {{"Content-Type", "application/json"}}};
  add_lost(response.headers, read.lost);
  exchange.respond(std::move(response));
}

}  // namespace

void embed(Workplace& with, const net::Request& request, EmbedShape shape,
           const ExchangePtr& exchange) {
  const auto refuse = [&](const HttpError& error) { answer(*exchange, error, Face::Ollama); };
  const auto body = parse_json(request.body, "body");
  if (!body.ok()) return refuse(http_error(body.error()));
  auto read = shape == EmbedShape::One ? dialect::read_embeddings(body.value())
                                       : dialect::read_embed(body.value());
  if (!read.ok()) return refuse(http_error(read.error()));
  model::Model* const model = find_model(with.parts.models, read.value().what.model);
  if (!model) return refuse(no_such_model(read.value().what.model, with.parts.models));
  at_desk(
      with, exchange,
      [&with, model, shape, exchange, read = std::move(read).value()] {
        reply(with, *model, read, shape, *exchange);
      },
      Face::Ollama);
}

}  // namespace hearth::api::ollama
