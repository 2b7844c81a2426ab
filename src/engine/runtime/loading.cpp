#include "engine/runtime/loading.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <limits>

#include "base/fields.h"
#include "base/utf8.h"
#include "engine/builtin_model.h"
#include "engine/runtime/draft_policy.h"
#include "engine/runtime/guard.h"
#include "engine/runtime/llama_log.h"
#include "engine/runtime/mapped_pages.h"
#include "gguf.h"

namespace hearth::engine {
namespace {

constexpr std::uint64_t kOneThreadParametersMax = 50'000'000;
constexpr std::uint32_t kContextDefault = 8'192;  // tokens, when nobody asks for more
constexpr std::uint32_t kContextWorthHaving =
    2'048;  // a chosen context is not made smaller than this
constexpr std::uint32_t kSlotsMax = 16;
constexpr std::uint32_t kChunkMin = 16, kChunkMax = 512;
constexpr std::uint32_t kThreadsMax = 512;
constexpr double kBytesF16 = 2.0, kBytesQ8 = 34.0 / 32.0;  // of one KV value

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

struct FreeGguf {
  void operator()(gguf_context* context) const { gguf_free(context); }
};
struct FreeGgml {
  void operator()(ggml_context* context) const { ggml_free(context); }
};

Error system_error(const std::string& what) {
  return {Code::Unavailable, what + ": " + std::generic_category().message(errno)};
}

/// The built-in model as a file that llama.cpp can read.
Result<File> open_builtin() {
  const std::string_view bytes = builtin_model_bytes();
  const int fd = memfd_create("ember", MFD_CLOEXEC);
  if (fd < 0) return system_error("cannot make a file in memory");
  File file(fdopen(fd, "r+b"));
  if (!file) {
    close(fd);
    return system_error("cannot make a file in memory");
  }
  if (std::fwrite(bytes.data(), 1, bytes.size(), file.get()) != bytes.size() ||
      std::fflush(file.get()) != 0)
    return system_error("cannot write the built-in model to memory");
  std::rewind(file.get());
  return file;
}

Result<File> open_model(const std::string& path) {
  if (path.empty()) return open_builtin();
  File file(std::fopen(path.c_str(), "rb"));
  if (!file) return system_error("cannot open " + path);
  return file;
}

/// What the tensors' types say about how the model can be run.
struct Weights {
  bool repacked = false;  // llama.cpp turns some into another layout, in memory of their own
  bool repacked_inexact = false;  // and then multiplies one row in another order than four
  bool exact = true;  // only types whose results do not depend on the number of rows, measured
  bool exact_unpacked = true;  // the same if what is repacked_inexact were not
  std::string inexact{};       // the type that keeps it from being exact: "q4_K"
};

bool is_repacked(ggml_type type) {
  switch (type) {
    case GGML_TYPE_Q4_0:
    case GGML_TYPE_Q4_K:
    case GGML_TYPE_Q2_K:
    case GGML_TYPE_IQ4_NL:
    case GGML_TYPE_MXFP4: return true;
    default: return false;
  }
}

/// Matrices of floats are multiplied by one routine for a single row and by another for several.
bool is_float(ggml_type type) {
  return type == GGML_TYPE_F32 || type == GGML_TYPE_F16 || type == GGML_TYPE_BF16;
}

void inspect_tensor(const ggml_tensor& tensor, Weights& weights) {
  weights.repacked |= is_repacked(tensor.type);
  if (tensor.type == GGML_TYPE_F32 && ggml_n_dims(&tensor) == 1) return;
  const bool experts = std::string_view(tensor.name).find("_exps") != std::string_view::npos;
  const bool measured = tensor.type == GGML_TYPE_Q4_0 || tensor.type == GGML_TYPE_Q8_0;
  weights.exact_unpacked &= !is_float(tensor.type);
  weights.repacked_inexact |=
      is_repacked(tensor.type) && (experts || tensor.type != GGML_TYPE_Q4_0);
  if (measured && !experts) return;
  weights.exact = false;
  if (!weights.inexact.empty() && !is_float(tensor.type)) return;
  weights.inexact = ggml_type_name(tensor.type) + std::string(experts ? " experts" : "");
}

Result<Weights> inspect_weights(std::FILE* file) {
  ggml_context* raw_tensors = nullptr;
  std::unique_ptr<gguf_context, FreeGguf> header(
      gguf_init_from_file_ptr(file, {.no_alloc = true, .ctx = &raw_tensors}));
  const std::unique_ptr<ggml_context, FreeGgml> tensors(raw_tensors);
  std::rewind(file);
  if (!header || !tensors)
    return Error{Code::InvalidInput, "llama.cpp cannot read the model file's header"};
  Weights weights;
  for (ggml_tensor* tensor = ggml_get_first_tensor(tensors.get()); tensor;
       tensor = ggml_get_next_tensor(tensors.get(), tensor)) {
    inspect_tensor(*tensor, weights);
  }
  return weights;
}

Result<void> check_options(const LoadOptions& options) {
  if (options.slots < 1 || options.slots > kSlotsMax)
    return field_error("slots", "a number from 1 to 16 is required");
  if (options.prefill_chunk_tokens < kChunkMin || options.prefill_chunk_tokens > kChunkMax)
    return field_error("prefill_chunk_tokens", "a number from 16 to 512 is required");
  if (options.threads > kThreadsMax)
    return field_error("threads", "a number up to 512 is required");
  if (options.gpu_layers < 0) return field_error("gpu_layers", "must not be negative");
  return ok();
}

/// q8_0 has blocks of 32 values.
bool can_be_q8(const ModelFacts& facts) {
  const auto fits = [](std::uint32_t length) { return length > 0 && length % 32 == 0; };
  return fits(facts.key_length) && fits(facts.value_length);
}

KvType choose_kv(const LoadOptions& options, const ModelFacts& facts, const Weights& weights) {
  if (options.kv_type != KvType::Auto) return options.kv_type;
  const bool wanted = weights.exact || options.deterministic;
  return wanted && can_be_q8(facts) ? KvType::Q8_0 : KvType::F16;
}

/// Whether weights stay as they are in the file.
bool stays_unpacked(const LoadOptions& options, const Weights& weights) {
  return options.deterministic && weights.repacked_inexact;
}

/// Why results depend on what is computed beside a request or was cached before; empty: they do
/// not. Measured bit for bit on plain attention on the CPU: bench/invariance, docs/determinism.md.
std::string batch_variance(const LoadedModel& loaded, const LoadOptions& options,
                           const Weights& weights) {
  const std::string remedy = "; load it with model.deterministic = true";
  if (options.gpu_layers > 0) return "some layers are computed on a GPU (model.gpu_layers)";
  if (!loaded.can_cut)
    return "models of architecture " + loaded.facts.architecture +
           " have a recurrent or sliding-window memory, which cannot be put in order";
  if (!weights.exact && !weights.exact_unpacked)
    return "weights of type " + weights.inexact +
           " give other bits for one row than for several; quantize the file, to Q8_0 for example";
  if (!weights.exact && !options.deterministic)
    return "weights of type " + weights.inexact + " are computed the fast way" + remedy;
  if (loaded.kv_type == KvType::Q8_0) return "";
  if (!can_be_q8(loaded.facts))
    return "the KV cache must be q8_0, which needs heads of a multiple of 32 values";
  return "the KV cache is f16" +
         (options.kv_type == KvType::F16 ? "; remove model.kv_type = \"f16\"" : remedy);
}

std::string mib(std::uint64_t bytes) { return std::to_string(bytes >> 20) + " MiB"; }

std::uint64_t needed_bytes(const LoadOptions& options, const ModelFacts& facts,
                           std::uint32_t context_tokens, KvType kv) {
  return memory_needed_bytes(facts, static_cast<std::uint64_t>(context_tokens) * options.slots,
                             kv == KvType::Q8_0 ? kBytesQ8 : kBytesF16);
}

/// Chooses the context, and where both are free, gives up precision of the KV cache before length
/// of the context. Errors: TooLarge, naming what is needed and what is there.
Result<void> fit(const LoadOptions& options, std::uint64_t available_bytes, LoadedModel& loaded) {
  const ModelFacts& facts = loaded.facts;
  const std::uint32_t own = facts.context_tokens > 0 ? facts.context_tokens : kContextDefault;
  std::uint32_t context = options.context_tokens > 0 ? std::min(options.context_tokens, own)
                                                     : std::min(kContextDefault, own);
  const auto needed = [&] { return needed_bytes(options, facts, context, loaded.kv_type); };
  if (options.kv_type == KvType::Auto && needed() > available_bytes && can_be_q8(facts))
    loaded.kv_type = KvType::Q8_0;
  while (options.context_tokens == 0 && needed() > available_bytes &&
         context / 2 >= kContextWorthHaving)
    context /= 2;
  loaded.context_tokens = context;
  if (needed() <= available_bytes) return ok();
  return Error{Code::TooLarge, "the model needs about " + mib(needed()) +
                                   " of memory with a context of " + std::to_string(context) +
                                   " tokens x " + std::to_string(options.slots) + " slots, and " +
                                   mib(available_bytes) + " are available"};
}

/// What llama.cpp refused to do, with its own reason.
Error refused(const std::string& what) {
  const std::string reason = take_llama_error();
  return {Code::Unavailable,
          "llama.cpp cannot " + what + (reason.empty() ? "" : ": " + to_utf8(reason))};
}

bool forward_progress(float fraction, void* user) {
  return (*static_cast<const std::function<bool(float)>*>(user))(fraction);
}

Result<llama_model_ptr> read_weights(std::FILE* file, const LoadOptions& options,
                                     const Weights& weights,
                                     const std::function<bool(float)>& on_progress) {
  take_llama_error();
  bool stopped = false;
  const std::function<bool(float)> watched = [&](float fraction) {
    stopped = !on_progress(fraction);
    expect_llama_errors(stopped);
    return !stopped;
  };
  llama_model_params params = llama_model_default_params();
  params.n_gpu_layers = options.gpu_layers;
  params.use_extra_bufts = !stays_unpacked(options, weights);
  // Repacked weights are copied, out of a mapping in half the time. It must not stay in memory too.
  const bool copied = weights.repacked && params.use_extra_bufts;
  const bool mapped = !copied || can_release_mapped_pages();
  params.load_mode = mapped ? LLAMA_LOAD_MODE_MMAP : LLAMA_LOAD_MODE_NONE;
  params.progress_callback = forward_progress;
  params.progress_callback_user_data = const_cast<std::function<bool(float)>*>(&watched);
  auto loaded = guarded(Code::Unavailable, "llama.cpp cannot load the model", [&] {
    return llama_model_ptr(llama_model_load_from_file_ptr(file, params));
  });
  expect_llama_errors(false);
  if (stopped) return Error{Code::Cancelled, "loading was stopped"};
  TRY(llama_model_ptr model, std::move(loaded));
  if (!model) return refused("load the model");
  if (copied && mapped) release_mapped_pages(file);
  return model;
}

std::string metadata(const llama_model* model, const std::string& key) {
  char text[128] = "";
  return llama_model_meta_val_str(model, key.c_str(), text, sizeof(text)) > 0 ? text : "";
}

/// Errors: InvalidInput (a kind of model that needs another way of running it).
Result<void> check_kind(const llama_model* model, const ModelFacts& facts) {
  const bool diffusion = llama_model_is_diffusion(model);
  if (!diffusion && !llama_model_has_encoder(model) && llama_model_has_decoder(model)) return ok();
  return Error{Code::InvalidInput, facts.name + " (" + facts.architecture + ") is " +
                                       (diffusion ? "a diffusion" : "an encoder-decoder") +
                                       " model, which is not supported"};
}

void read_abilities(LoadedModel& loaded, const LoadOptions& options, const Weights& weights) {
  const llama_model* model = loaded.model.get();
  loaded.causal = metadata(model, loaded.facts.architecture + ".attention.causal") != "false";
  loaded.can_generate = loaded.causal;
  // A reranker's pooling (LLAMA_POOLING_TYPE_RANK) gives scores.
  loaded.can_embed =
      options.embeddings && metadata(model, loaded.facts.architecture + ".pooling_type") != "4";
  loaded.can_cut = !llama_model_is_recurrent(model) && !llama_model_is_hybrid(model) &&
                   llama_model_n_swa(model) == 0;
  loaded.batch_variance = batch_variance(loaded, options, weights);
  loaded.batch_invariant = loaded.batch_variance.empty();
  loaded.unpacked = stays_unpacked(options, weights);
  if (weights.repacked && !loaded.unpacked) loaded.row_groups = RowGroups::repacked();
  std::int32_t suppressed = 0;
  llama_vocab_get_suppress_tokens(loaded.vocab(), &suppressed);
  loaded.suppresses_tokens = suppressed > 0;
  for (llama_token token = 0; token < loaded.vocabulary(); ++token) {
    if (llama_vocab_is_eog(loaded.vocab(), token)) loaded.end_tokens.push_back(token);
  }
}

/// A tiny model's step is shorter than what its threads spend waiting for each other at the end of
/// every graph node, most of all when something else wants a core: one thread is faster then.
std::uint32_t choose_threads(const LoadOptions& options, const ModelFacts& facts,
                             const Machine& machine) {
  if (options.threads > 0) return options.threads;
  return facts.parameters <= kOneThreadParametersMax ? 1 : machine.cores();
}

}  // namespace

std::string LoadedModel::piece(llama_token token, bool special) const {
  char text[256];
  const std::int32_t bytes = llama_token_to_piece(vocab(), token, text, sizeof(text), 0, special);
  if (bytes >= 0) return std::string(text, static_cast<std::size_t>(bytes));
  std::string longer(static_cast<std::size_t>(-bytes), '\0');
  llama_token_to_piece(vocab(), token, longer.data(), -bytes, 0, special);
  return longer;
}

Result<LoadedModel> load_model(const Load& load, const Machine& machine,
                               const std::function<bool(float)>& on_progress) {
  TRY_VOID(check_options(load.options));
  LoadedModel loaded;
  TRY(loaded.facts,
      load.path.empty() ? parse_model_facts(builtin_model_bytes()) : read_model_facts(load.path));
  if (load.path.empty()) loaded.facts.name = kBuiltinModelName;
  TRY(const File file, open_model(load.path));
  TRY(const Weights weights, inspect_weights(file.get()));
  loaded.kv_type = choose_kv(load.options, loaded.facts, weights);
  TRY_VOID(fit(load.options, machine.memory_available_bytes(), loaded));
  loaded.slots = load.options.slots;
  loaded.threads = choose_threads(load.options, loaded.facts, machine);
  loaded.threads_fixed = load.options.threads > 0;
  loaded.cores = machine.cores();
  loaded.core_board = load.options.core_board;
  loaded.prefill_chunk_tokens = load.options.prefill_chunk_tokens;
  TRY(loaded.model, read_weights(file.get(), load.options, weights, on_progress));
  TRY_VOID(check_kind(loaded.model.get(), loaded.facts));
  read_abilities(loaded, load.options, weights);
  if (load.options.deterministic && loaded.can_generate && !loaded.batch_invariant)
    return field_error("model.deterministic", "cannot be true: " + loaded.batch_variance);
  return loaded;
}

Result<llama_context_ptr> make_generating_context(const LoadedModel& model, std::uint32_t sequences,
                                                  std::uint32_t cells) {
  llama_context_params params = llama_context_default_params();
  // One ubatch holds a prompt chunk and one token of every slot, so a batch is computed whole or
  // not at all.
  params.n_batch = params.n_ubatch = model.prefill_chunk_tokens + model.slots;
  // llama.cpp makes batches no larger than the context, and aborts on a larger one.
  params.n_ctx = std::max(cells > 0 ? cells : model.context_tokens * model.slots, params.n_batch);
  // A unified cache knows every sequence up to llama_max_parallel_sequences(); for it this sizes
  // the outputs and bounds reading of state. Other memories keep a whole state for each.
  params.n_seq_max = model.can_cut && cells == 0 ? model.slots : sequences;
  // Each answer's row, and those of a draft.
  params.n_outputs_max = std::max(params.n_seq_max, model.slots + DraftPolicy::kRowsMax);
  params.n_threads = params.n_threads_batch = static_cast<std::int32_t>(model.threads);
  params.kv_unified = true;
  params.no_perf = true;
  const bool q8 = model.kv_type == KvType::Q8_0;
  params.type_k = params.type_v = q8 ? GGML_TYPE_Q8_0 : GGML_TYPE_F16;
  params.flash_attn_type = q8 ? LLAMA_FLASH_ATTN_TYPE_ENABLED : LLAMA_FLASH_ATTN_TYPE_AUTO;
  auto made = guarded(Code::Unavailable, "llama.cpp cannot make a context", [&] {
    return llama_context_ptr(llama_init_from_model(model.model.get(), params));
  });
  TRY(llama_context_ptr context, std::move(made));
  if (!context) return refused("make a context for this model");
  return context;
}

Result<std::vector<llama_token>> tokenize(const llama_vocab* vocab, std::string_view text,
                                          bool add_special, bool parse_special) {
  constexpr auto kTextMax = static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max() / 2);
  if (text.size() > kTextMax) return field_error("text", "is too long");
  // At most one token a byte, and the special ones around it.
  std::vector<llama_token> tokens(text.size() + 8);
  const auto run = [&] {
    return llama_tokenize(vocab, text.data(), static_cast<std::int32_t>(text.size()), tokens.data(),
                          static_cast<std::int32_t>(tokens.size()), add_special, parse_special);
  };
  TRY(std::int32_t count, guarded(Code::Internal, "the tokenizer failed", run));
  if (count < 0 && count != std::numeric_limits<std::int32_t>::min()) {
    tokens.resize(static_cast<std::size_t>(-count));
    TRY(count, guarded(Code::Internal, "the tokenizer failed", run));
  }
  if (count < 0) return Error{Code::TooLarge, "the text has too many tokens"};
  tokens.resize(static_cast<std::size_t>(count));
  return tokens;
}

Result<void> check_tokens(const llama_vocab* vocab, const std::vector<llama_token>& tokens,
                          const std::string& field) {
  const std::int32_t size = llama_vocab_n_tokens(vocab);
  for (const llama_token token : tokens) {
    if (token < 0 || token >= size)
      return field_error(field, "token " + std::to_string(token) + " is not in the vocabulary of " +
                                    std::to_string(size));
  }
  return ok();
}

Result<std::string> detokenize(const llama_vocab* vocab, const std::vector<llama_token>& tokens) {
  TRY_VOID(check_tokens(vocab, tokens, "tokens"));
  const auto count = static_cast<std::int32_t>(tokens.size());
  std::string text(tokens.size() * 8 + 16, '\0');
  const auto run = [&] {
    return llama_detokenize(vocab, tokens.data(), count, text.data(),
                            static_cast<std::int32_t>(text.size()), false, true);
  };
  TRY(std::int32_t bytes, guarded(Code::Internal, "the tokenizer failed", run));
  if (bytes < 0) {
    text.resize(static_cast<std::size_t>(-bytes));
    TRY(bytes, guarded(Code::Internal, "the tokenizer failed", run));
  }
  text.resize(static_cast<std::size_t>(std::max(bytes, 0)));
  return to_utf8(text);
}

}  // namespace hearth::engine
