#pragma once
#include <memory>
#include <string>

#include "api/openai/form.h"
#include "api/run/workplace.h"

/// The OpenAI endpoints. Each takes one request and answers the exchange, now or later. Any thread.
/// `account` is whose request it is (gate.h).
namespace hearth::api {

/// What the chunks and answers of one request share.
Header header_for(const Workplace& with, const char* prefix, model::Model& model,
                  bool include_usage);

void chat_completions(Workplace& with, const net::Request& request, std::uint64_t account,
                      const ExchangePtr& exchange);
void completions(Workplace& with, const net::Request& request, std::uint64_t account,
                 const ExchangePtr& exchange);
void embeddings(Workplace& with, const net::Request& request, const ExchangePtr& exchange);
void tokenize(Workplace& with, const net::Request& request, const ExchangePtr& exchange);
void detokenize(Workplace& with, const net::Request& request, const ExchangePtr& exchange);
void list_models(Workplace& with, const ExchangePtr& exchange);
void show_model(Workplace& with, const std::string& id, const ExchangePtr& exchange);
/// POST /v1/route: which model would answer this chat completion, and why; nothing is asked.
void explain_route(Workplace& with, const net::Request& request, const ExchangePtr& exchange);
/// POST /v1/models/{id}/load and /unload: 202 at once, with the model as it is now.
void order_model(Workplace& with, const std::string& id, bool loaded, const ExchangePtr& exchange);

}  // namespace hearth::api
