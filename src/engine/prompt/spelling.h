#pragma once
#include <string>
#include <vector>

#include "llama.h"

namespace hearth::engine {

/// Tokens whose texts make `text`, as the tokenizer would write it in the middle of a text: without
/// the space that some put before whatever they are given. `special`: spellings of special tokens
/// become those; where these swallow white space behind them, the tokens make a beginning of
/// `text`. Empty if the tokenizer cannot. Any thread.
std::vector<llama_token> spelled(const llama_vocab* vocab, const std::string& text, bool special);

/// The text of tokens from spelled() with this `special`.
std::string text_of(const llama_vocab* vocab, const std::vector<llama_token>& tokens, bool special);

}  // namespace hearth::engine
