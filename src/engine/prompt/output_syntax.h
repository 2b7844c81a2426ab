#pragma once
#include <memory>

#include "chat.h"

namespace hearth::engine {

/// How an answer is read. Immutable once made.
struct OutputSyntax {
  bool plain = true;                                 // all is content; the rest is unused
  bool calls = false;                                // tool calls may come
  bool strict = false;                               // nothing but tool calls may come
  common_chat_parser_params options{};               // the parser in it is unused
  std::shared_ptr<const common_peg_arena> parser{};  // null only if plain
};

}  // namespace hearth::engine
