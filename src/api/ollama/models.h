#pragma once
#include <string>
#include <string_view>

#include "api/run/workplace.h"
#include "dialect/ollama.h"

/// Models as Ollama's clients know them.
namespace hearth::api::ollama {

/// The model of this name, with or without ":latest"; nullptr: there is none.
model::Model* find_model(const Models& models, std::string_view name);
/// "ember:latest": names have a tag there, by which lists are compared.
std::string tagged(const std::string& name);
/// As lists and details show it.
dialect::ollama::Model shown(const Workplace& with, const model::Model& model);

}  // namespace hearth::api::ollama
