#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "chat/generation.h"
#include "engine/model_facts.h"

/// The words between the daemon and an engine process, and their encoding. A frame on the wire is
/// process::Frame: a length, this protocol's version, a type byte and a payload in MessagePack.
/// Everything that arrives is checked as if an enemy had sent it (an engine may have been taken
/// over by a hostile model file). Pure functions; any thread.
namespace hearth::engine {

inline constexpr std::uint8_t kProtocolVersion = 1;

// ---- daemon to engine -------------------------------------------------------------------------

enum class KvType : std::uint8_t { Auto, F16, Q8_0 };

/// How a model is loaded. Zero means "choose for me" where noted.
struct LoadOptions {
  /// Most tokens of one request, prompt and answer; 0: the smaller of 8192 and the model's own.
  std::uint32_t context_tokens = 0;
  std::uint32_t slots = 4;                  // generations at a time; 1..16
  std::uint32_t threads = 0;                // 0: all cores this process may use
  std::uint32_t prefill_chunk_tokens = 64;  // prompt tokens between two decode steps; 16..512
  std::int32_t gpu_layers = 0;              // 0..1024
  /// Auto: q8_0 where that makes replies independent of batching, else f16.
  KvType kv_type = KvType::Auto;
  bool embeddings = true;  // answer Embed requests
  /// Choose what makes deterministic replies possible (q8_0, weights that are not repacked), prove
  /// it by a self-test, and refuse to load if it fails.
  bool deterministic = false;
  /// The file on which engines agree who computes with which core; empty: with nobody.
  std::string core_board{};
};

/// Where KV state is kept on disk, and how much of it.
struct SnapshotOptions {
  std::string directory{};      // empty: nowhere
  std::uint64_t bytes_max = 0;  // of all files in it; 0: nothing is saved or restored
};

struct Load {
  std::string path;  // a GGUF file; empty: the model inside this binary
  LoadOptions options{};
  SnapshotOptions snapshots{};
};
/// What the loaded file is, once that is known: state is saved and restored from then on. The model
/// inside the binary needs none.
struct Identify {
  std::string fingerprint;  // SHA-256 of the file, 64 hex digits
};
struct Generate {
  std::uint64_t id = 0;  // chosen by the daemon, never reused on one connection
  chat::Request request;
};
struct Cancel {
  std::uint64_t id = 0;  // of a Generate or Embed; unknown ids are ignored
};
struct Embed {
  std::uint64_t id = 0;
  std::vector<std::variant<std::string, std::vector<chat::Token>>> inputs;  // 1..kEmbedInputsMax
};
struct Tokenize {
  std::uint64_t id = 0;
  std::string text;
  bool add_special = false;    // the model's beginning-of-sequence token, if it wants one
  bool parse_special = false;  // special tokens written in the text become special tokens
};
struct Detokenize {
  std::uint64_t id = 0;
  std::vector<chat::Token> tokens;
};
struct Stats {
  std::uint64_t id = 0;
};
struct Unload {};  // finish nothing, free everything, exit 0

using Request =
    std::variant<Load, Generate, Cancel, Embed, Tokenize, Detokenize, Stats, Unload, Identify>;

inline constexpr std::size_t kEmbedInputsMax = 2'048;
inline constexpr std::size_t kNumericsBytesMax = 1'024;

// ---- engine to daemon -------------------------------------------------------------------------

struct LoadProgress {
  float fraction = 0;  // 0..1
};
/// What the loaded model can do. `facts` without the file's hash, which the daemon computes.
struct Loaded {
  ModelFacts facts;
  std::uint32_t context_tokens = 0;  // as chosen
  std::uint32_t slots = 0;
  std::uint32_t threads = 0;
  KvType kv_type = KvType::F16;  // as chosen, never Auto
  bool can_embed = false;
  bool batch_invariant = false;  // replies do not depend on batching or on what is cached
  /// What the bits of a reply depend on beside the model file: KV type, repacking, and the vector
  /// instructions that llama.cpp was built for. At most kNumericsBytesMax.
  std::string numerics{};
};
struct LoadFailed {
  Error error;
};
/// One event of a Generate. A Finished or Failed is its last.
struct GenerateEvent {
  std::uint64_t id = 0;
  chat::Event event;
};
struct Embedded {
  std::uint64_t id = 0;
  std::vector<std::vector<float>> vectors;  // one per input, n_embd floats, length 1
  std::uint32_t prompt_tokens = 0;          // all inputs together
};
struct Tokens {
  std::uint64_t id = 0;
  std::vector<chat::Token> tokens;
};
struct Text {
  std::uint64_t id = 0;
  std::string text;  // valid UTF-8; ill-formed bytes replaced
};
/// With how many threads the engine computes, and why; of the last step, while it is idle.
struct CoreUse {
  enum class Limit : std::uint8_t {
    None,        // all cores
    Fixed,       // as many as were asked for
    TinyModel,   // more would make it slower
    Neighbours,  // other programs keep cores busy
    Engines      // other engines compute too
  };
  std::uint32_t threads = 0;
  std::uint32_t cores = 0;  // that this process may use
  Limit limit = Limit::None;
  std::uint32_t engines = 1;         // that compute or want to, this one included
  bool shares = false;               // the core board is used
  float neighbour_cores = 0;         // kept busy by other programs
  std::uint64_t downs = 0, ups = 0;  // times that the governor took a core away, or gave it back
  std::uint64_t denied_us = 0;       // that threads were ready and had no core
};
/// What becomes of prompts' beginnings in the KV cache. Counts since the engine started, and
/// levels.
struct PrefixUse {
  std::uint64_t hits = 0, misses = 0;  // prompts that found a beginning of theirs, or none
  std::uint64_t evictions = 0;         // kept sequences that had to go
  std::uint32_t kept = 0;              // sequences kept for later prompts
  std::uint32_t pinned = 0;            // prefixes among them that go last
};
/// Counters since the engine started, and levels now.
struct StatsReply {
  std::uint64_t id = 0;
  std::uint32_t generating = 0, waiting = 0;
  std::uint64_t prompt_tokens = 0, cached_tokens = 0, completion_tokens = 0;
  std::uint64_t decode_steps = 0;
  std::uint32_t kv_cells_used = 0, kv_cells = 0;
  std::uint64_t resident_bytes = 0;
  PrefixUse prefixes{};
  CoreUse cores{};
};
/// What became of KV state on disk; sent whenever a number changed. Counts since the engine
/// started, and levels of the whole directory.
struct SnapshotStats {
  std::uint64_t saved = 0, restored = 0, refused = 0, skipped = 0, evicted = 0;  // segments
  std::uint64_t restored_tokens = 0;
  std::uint64_t bytes = 0, files = 0;  // on disk
};
/// Any request with an id that failed, other than Generate (which gets chat::Failed).
struct RequestFailed {
  std::uint64_t id = 0;
  Error error;
};

using Reply = std::variant<LoadProgress, Loaded, LoadFailed, GenerateEvent, Embedded, Tokens, Text,
                           StatsReply, RequestFailed, SnapshotStats>;

// ---- encoding ---------------------------------------------------------------------------------

struct Encoded {
  std::uint8_t type = 0;
  std::string payload;
};

Encoded encode(const Request& request);
Encoded encode(const Reply& reply);

/// Errors: InvalidInput (unknown type, malformed payload, a field of the wrong type or out of its
/// bounds; names the field).
Result<Request> decode_request(std::uint8_t type, std::string_view payload);
Result<Reply> decode_reply(std::uint8_t type, std::string_view payload);

}  // namespace hearth::engine
