#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/call.h"
#include "base/result.h"
#include "chat/generation.h"
#include "model/model.h"
#include "store/journal.h"

namespace hearth::agent {

/// One call of the model in a turn, with what it takes to make it again and compare, bit by bit.
struct Round {
  std::uint32_t number = 0;         // of its turn: how many answers of the model came before
  bool begins = false;              // with it a turn went on that was parked or cut off
  std::string build{};              // of Hearth
  std::string model{};              // its name
  std::string fingerprint{};        // of its file; empty: was not known yet
  std::string numerics{};           // as model::Model
  std::uint32_t seed = 0;           // that was used, given or not
  std::int64_t day = 0;             // as chat::Request
  std::string first_message{};      // of the prompt: instructions and rules
  std::vector<chat::Tool> tools{};  // Hearth's own
  std::string tail{};
  std::uint32_t static_tokens = 0;    // of the static zone, as far as was known; 0: it was not
  std::uint32_t archived = 0;         // messages before this number were in the archive
  std::uint32_t seen_tokens = 0;      // of the prompt, of earlier calls …
  std::vector<chat::Token> tokens{};  // … and what came behind them, the answer's at the end
  chat::Usage usage{};
  std::string inputs_digest{};  // of the prompt's tokens; of its messages where none are known
  std::string answer_digest{};  // of its tokens, text, calls and end; not of its calls' ids
};

void add_to(chat::Usage& sum, const chat::Usage& usage);

/// What a call came to. The turn knows the rest: number, begins, build, tools, archived.
Round round_of(const model::Model& model, const chat::Request& asked, const model::Answer& answer);

/// Errors: those of store::Journal.
Result<void> keep_round(const Call& call, store::Journal& journal, const std::string& session_id,
                        std::uint32_t turn, const Round& round);
/// All that are kept of a turn, in order. Errors: those of store::Journal; Corrupt.
Result<std::vector<Round>> kept_rounds(const Call& call, store::Journal& journal,
                                       const std::string& session_id, std::uint32_t turn);

}  // namespace hearth::agent
