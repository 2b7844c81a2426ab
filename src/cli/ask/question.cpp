#include "cli/ask/question.h"

#include "base/utf8.h"
#include "engine/builtin_model.h"

namespace hearth::cli {

double default_temperature(std::string_view model_name) {
  return model_name == engine::kBuiltinModelName ? 0.0 : 0.7;
}

chat::Message said(chat::Role role, std::string_view text) {
  return {.role = role, .content = to_utf8(text)};
}

}  // namespace hearth::cli
