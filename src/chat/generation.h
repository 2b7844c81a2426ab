#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"
#include "chat/message.h"
#include "chat/purpose.h"

namespace hearth::chat {

using Token = std::int32_t;

/// May, must or must not the model call tools.
struct ToolChoice {
  enum class Mode : std::uint8_t {
    Auto,      // free text or calls
    None,      // free text only
    Required,  // at least one call, from the first token
    Named,     // a call of `name`, from the first token
  };
  Mode mode = Mode::Auto;
  std::string name{};  // Named only; one of the request's tools
};

/// The beginning of a conversation, token for token as the model saw it.
struct Seen {
  std::vector<Token> tokens{};  // without what ends the last of the messages
  /// How many messages they stand for; the last of these is the assistant's. 0: nothing was seen.
  std::uint32_t messages = 0;
};

/// A conversation to be continued by the assistant; rendered with the model's own template.
struct Conversation {
  std::vector<Message> messages;  // at least one
  std::vector<Tool> tools{};
  ToolChoice tool_choice{};
  bool parallel_tool_calls = true;
  /// Used in place of the rendering where the template lets it; else the messages are rendered.
  Seen seen{};
  /// Shown behind the last user message for this answer only: no part of the history.
  std::string tail{};
};

/// Text to be continued as it is, without a template. Special tokens in it are plain text.
struct PlainText {
  std::string text;
};

/// Tokens to be continued as they are.
struct PlainTokens {
  std::vector<Token> tokens;
};

using Prompt = std::variant<Conversation, PlainText, PlainTokens>;

/// How the next token is chosen. Defaults are OpenAI's where it has one, else neutral (switched
/// off).
struct Sampling {
  float temperature = 1.0f;             // 0 is greedy; [0, 2]
  std::int32_t top_k = 0;               // 0 is off
  float top_p = 1.0f;                   // (0, 1]; 1 is off
  float min_p = 0.0f;                   // [0, 1]; 0 is off
  float typical_p = 1.0f;               // (0, 1]; 1 is off
  float repeat_penalty = 1.0f;          // (0, 2]; 1 is off
  std::int32_t repeat_last_n = 64;      // tokens the penalties look back; -1: the whole context
  float presence_penalty = 0.0f;        // [-2, 2]
  float frequency_penalty = 0.0f;       // [-2, 2]
  std::optional<std::uint32_t> seed{};  // absent: random, reported in Started
  std::vector<std::pair<Token, float>> logit_bias{};  // [-100, 100]; at most kLogitBiasMax
};

/// What the text must look like.
struct OutputFormat {
  enum class Kind : std::uint8_t { Text, JsonObject, JsonSchema, Grammar };
  Kind kind = Kind::Text;
  std::string source{};  // JsonSchema: the schema as JSON text; Grammar: GBNF
};

/// What a caller wants of the KV cache beyond the reuse that everybody gets.
struct Cache {
  /// Names a conversation or prefix for its caller; at most kCacheKeyBytesMax, empty: no name.
  std::string key{};
  bool persist = false;  // the state is saved on disk, at the border and when the request ends
  bool pin = false;      // the prefix up to the border, or the whole prompt, stays resident
  /// A seed asks for the same bytes again, which some models give only from an empty cache. This
  /// asks them for what is cached instead; the seed still chooses the random numbers.
  bool before_seed = false;
  /// The border lies behind this many messages; 1..messages, of a Conversation only.
  std::optional<std::uint32_t> border_messages{};
  /// Where a provider is asked to cache what stands before: the end of this many messages, 0 for
  /// the tools alone. Local models find out by themselves.
  std::vector<std::uint32_t> provider_marks{};
};

/// Why this model answers a request that named none.
struct Route {
  std::string asked{};                 // "auto"
  std::string model{};                 // that answers; empty: none is fit to
  std::string level{};                 // that was needed: "operational", "tactical", "strategic"
  int score = 0;                       // from which the level follows
  std::vector<std::string> reasons{};  // "code +3", "a few words -2"
  std::string crisis{};                // it sounds as if somebody were in danger: "self-harm"
  std::vector<std::string> passed_over{};  // "NAME: why", who was asked before
};

/// One answer to be generated.
struct Request {
  Prompt prompt;
  Sampling sampling{};
  OutputFormat format{};
  std::optional<std::uint32_t>
      tokens_max{};  // generated tokens; absent: what the context still holds; 0: only counts
  std::vector<std::string> stop{};  // the answer ends before any of these; at most kStopMax
  std::optional<std::uint32_t> top_logprobs{};  // absent: no logprobs; 0..20 alternatives a token
  bool cache_prompt = true;                     // may reuse and leave KV state for later requests
  bool ignore_eos = false;  // benchmarks: go on past the end-of-generation token
  /// The same bytes for the same request, seed (absent: 0), model file and build, whatever else is
  /// computed; refused where that cannot be kept.
  bool deterministic = false;
  Cache cache{};
  bool lookup = true;         // may draft tokens from what was said before; the answer is the same
  bool forced_tokens = true;  // may write what a grammar leaves no choice about without sampling
  bool trace = false;         // Finished::trace is wanted
  /// The day that a template which prints one sees, as any second of it since 1970, UTC; absent:
  /// today. Deterministic requests see a fixed one.
  std::optional<std::int64_t> day{};
  /// On whose account it is, for fairness only: an opaque number that comes from the token the
  /// client showed, never from what it sent; 0 without tokens.
  std::uint64_t account = 0;
  /// For the ledger: what it is made for, and in which session ("": none).
  Purpose purpose = Purpose::Chat;
  std::string session{};
  /// For the record: how a router came to ask this model.
  std::optional<Route> route{};
  /// Another model is asked if this one cannot at once: a provider that is busy is not waited for.
  bool another_waits = false;
  /// ... and one that costs less: where a budget is nearly used up, this one is not paid for.
  bool cheaper_waits = false;
};

// Bounds of one request; api/ checks them first and names the field, the engine checks them again.
inline constexpr std::int64_t kDayMax = 253'402'300'799;  // the last second of the year 9999
inline constexpr std::size_t kMessagesMax = 2'048;
inline constexpr std::size_t kToolsMax = 128;
inline constexpr std::size_t kStopMax = 16;
inline constexpr std::size_t kStopBytesMax = 256;
inline constexpr std::size_t kCacheKeyBytesMax = 128;
inline constexpr std::size_t kLogitBiasMax = 1'024;
inline constexpr std::uint32_t kTopLogprobsMax = 20;
inline constexpr std::size_t kSchemaBytesMax = 64 * 1024;
inline constexpr std::size_t kGrammarBytesMax = 64 * 1024;
inline constexpr std::size_t kLoosenedMax = 128;
inline constexpr std::size_t kLoosenedBytesMax = 256;

enum class FinishReason : std::uint8_t {
  Stop,
  Length,
  ToolCalls,
  RequiresAction,  // of a session's turn alone: it goes on when somebody has decided
};

/// "stop", "length", "tool_calls", as in the OpenAI API; "requires_action".
const char* finish_reason_name(FinishReason reason);

struct TokenLogprob {
  Token token = 0;
  std::string bytes;  // the token's text, maybe part of a UTF-8 sequence
  float logprob = 0;  // natural logarithm, <= 0, of the model's own distribution before sampling
};

/// A token that was chosen, and the likeliest ones at its place.
struct TokenChoice {
  TokenLogprob chosen;
  std::vector<TokenLogprob> top{};  // likeliest first
};

/// A piece of a tool call. The first piece of each call carries id and name; later ones add
/// arguments.
struct ToolCallDelta {
  std::uint32_t index = 0;
  std::string id{};
  std::string name{};
  std::string arguments{};
};

/// The prompt was taken: sent once, before the first Delta.
struct Started {
  std::uint32_t prompt_tokens = 0;
  std::uint32_t cached_tokens = 0;
  std::uint32_t seed = 0;
  bool deterministic = false;  // the promise was asked for and is kept
  /// What of the request's schemas is asked of the model but not enforced, each with its place:
  /// "tools[0].function.parameters.properties.a.multipleOf: is not understood". At most
  /// kLoosenedMax of at most kLoosenedBytesMax; what is beyond is cut, and ends with "…".
  std::vector<std::string> loosened{};
  std::optional<Route> route{};  // of a request that named no model
};

/// What came since the last event. Text is valid UTF-8 and never ends inside a character.
struct Delta {
  std::string content{};
  std::string reasoning{};
  std::vector<ToolCallDelta> tool_calls{};
  std::vector<TokenChoice>
      logprobs{};  // one for each token whose text this and earlier deltas completed
};

/// Times as llama-server reports them.
struct Timings {
  double prompt_ms = 0;              // computing the prompt's new tokens
  double predicted_ms = 0;           // generating
  double queued_ms = 0;              // waiting for a free slot
  std::uint32_t drafted_tokens = 0;  // computed on trial, because something like it was said before
  std::uint32_t accepted_tokens = 0;  // of these: those that were indeed what came next
  std::uint32_t forced_tokens = 0;    // said without sampling: the grammar left no choice
};

/// A call of a tool that somebody has to allow before the turn goes on.
struct Question {
  std::string id;               // "appr_…"
  std::string tool;             // its name
  std::string target;           // the path, host or command that it is about
  std::string arguments;        // JSON text
  std::string preview;          // what would change, as people see it; may be empty
  std::int64_t expires_ms = 0;  // since 1970, UTC
  std::string session_id{};     // where it was asked
  std::uint32_t turn = 0;       // of that session, which goes on with the answer
  /// What an answer that holds for longer would be about: this very target, or a wildcard for what
  /// is alike. Empty: none, such an answer would change nothing.
  std::string this_pattern{}, alike_pattern{};
};

/// What one call of the model added to what it has seen of a conversation.
struct Trace {
  /// Prompt and answer, behind Conversation::seen if they follow it, without what ends the answer.
  /// Empty: it was not asked for, or an answer was cut from what these tokens say.
  std::vector<Token> tokens{};
  bool follows_seen = false;        // false: they begin the conversation
  std::uint32_t tail_begin = 0;     // in tokens: where Conversation::tail stands …
  std::uint32_t tail_tokens = 0;    // … and how long it is
  std::uint32_t border_tokens = 0;  // of the whole prompt, before Cache::border_messages
};

/// The last event of a generation that went well.
struct Finished {
  FinishReason reason = FinishReason::Stop;
  std::string stop_string{};  // which of Request::stop ended it; empty if none did
  Usage usage{};
  Timings timings{};
  std::vector<Question> questions{};  // RequiresAction only
  std::vector<std::string> notes{};   // what whoever asked should know
  Trace trace{};
  std::int64_t cost_micro = 0;   // millionths of a dollar that a provider takes for it
  std::optional<Route> route{};  // of a session's turn: who has answered at last, and why
};

/// The last event of one that did not.
struct Failed {
  Error error;
  /// What a provider charges for it all the same, as far as that is known: a prompt of 0 tokens is
  /// not. Absent: nothing.
  std::optional<Usage> charged{};
  std::int64_t cost_micro = 0;  // as Finished::cost_micro
};

using Event = std::variant<Started, Delta, Finished, Failed>;

/// Puts what a delta says behind what the message says so far. Calls are numbered in the order in
/// which they begin. False: one was skipped, and what came behind it was left out.
bool absorb(Message& message, const Delta& delta);

/// Nothing was said.
inline bool is_empty(const Delta& delta) {
  return delta.content.empty() && delta.reasoning.empty() && delta.tool_calls.empty() &&
         delta.logprobs.empty();
}
/// Nothing follows it.
inline bool is_last(const Event& event) {
  return std::holds_alternative<Finished>(event) || std::holds_alternative<Failed>(event);
}

}  // namespace hearth::chat
