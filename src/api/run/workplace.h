#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>

#include "api/api.h"
#include "api/http/errors.h"
#include "api/run/background.h"
#include "api/run/desk.h"
#include "api/run/keeper.h"
#include "api/run/runs.h"

/// What the endpoints of all dialects work with.
namespace hearth::api {

/// All of it outlives them.
struct Workplace {
  const Parts& parts;
  Runs& runs;
  Desk& desk;
  Keeper& keeper;
  Background& background;
  std::int64_t started_s;  // wall clock, "created" of the models
};

/// For what one request asks of the store.
inline constexpr Millis kStoreTimeout{30'000};
/// For what one request asks of a model's tokenizer.
inline constexpr Millis kTokenizeTimeout{30'000};

using ExchangePtr = std::shared_ptr<net::Exchange>;

/// Answers the exchange with what went wrong, as the dialect says it, or with JSON.
void answer(net::Exchange& exchange, const HttpError& error, Face face = Face::OpenAi);
void answer(net::Exchange& exchange, const nlohmann::ordered_json& body);
/// Runs `job` where it may block; answers 429 when too many wait there.
void at_desk(Workplace& with, const ExchangePtr& exchange, std::function<void()> job,
             Face face = Face::OpenAi);
/// 404, with the names that there are.
HttpError no_such_model(const std::string& name, const Models& models);
/// The time that one answer may take.
Call model_call(const Workplace& with, const net::Exchange& exchange);

}  // namespace hearth::api
