#pragma once
#include "chat.h"

namespace hearth::engine {

/// How an answer is read. Immutable once made.
struct OutputSyntax {
  bool plain = true;    // all is content; the rest is unused
  bool calls = false;   // tool calls may come
  bool strict = false;  // nothing but tool calls may come
  common_chat_parser_params parser{};
};

}  // namespace hearth::engine
