#include "engine/runtime/embedder.h"

#include <algorithm>
#include <cmath>

#include "base/fields.h"
#include "engine/runtime/guard.h"
#include "process/frame_channel.h"

namespace hearth::engine {
namespace {

constexpr std::uint32_t kEncoderTokensMax =
    2'048;  // attention over a whole input takes its square in memory
constexpr std::uint32_t kInputsOfBatchMax = 16;
constexpr std::size_t kVectorValueBytes = 5;  // of one float in a reply

std::string pooling_of(const llama_model* model, const std::string& architecture) {
  char text[32] = "";
  const std::string key = architecture + ".pooling_type";
  return llama_model_meta_val_str(model, key.c_str(), text, sizeof(text)) > 0 ? text : "";
}

}  // namespace

Embedder::Embedder(const LoadedModel& model)
    : model_(model), pooling_([&] {
        const std::string own = pooling_of(model.model.get(), model.facts.architecture);
        if (own == "2") return Pooling::First;  // LLAMA_POOLING_TYPE_CLS
        if (own == "3") return Pooling::Last;   // LLAMA_POOLING_TYPE_LAST
        return Pooling::Mean;
      }()) {}

Embedder::~Embedder() {
  if (batch_tokens_max_ > 0) llama_batch_free(batch_);
}

std::uint32_t Embedder::tokens_max(const LoadedModel& model) {
  return model.causal ? model.context_tokens : std::min(model.context_tokens, kEncoderTokensMax);
}

Result<void> Embedder::check(const LoadedModel& model,
                             const std::vector<std::vector<llama_token>>& inputs) {
  if (inputs.empty()) return field_error("input", "at least one input is required");
  const std::size_t reply_bytes =
      inputs.size() * llama_model_n_embd_out(model.model.get()) * kVectorValueBytes;
  if (reply_bytes > process::kFrameBytesMax / 2)
    return Error{Code::TooLarge,
                 "the vectors of " + std::to_string(inputs.size()) + " inputs take about " +
                     std::to_string(reply_bytes) + " bytes, " +
                     std::to_string(process::kFrameBytesMax / 2) + " are allowed",
                 "input"};
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const std::string field = "input[" + std::to_string(i) + "]";
    if (inputs[i].empty()) return field_error(field, "is empty");
    if (inputs[i].size() > tokens_max(model))
      return field_error(field, "has " + std::to_string(inputs[i].size()) +
                                    " tokens, the model embeds at most " +
                                    std::to_string(tokens_max(model)));
    TRY_VOID(check_tokens(model.vocab(), inputs[i], field));
  }
  return ok();
}

Result<void> Embedder::make_context() {
  llama_context_params params = llama_context_default_params();
  // A decoder gets cells for one whole input and the beginnings of others, and batches as small as
  // a prompt chunk; an encoder must see an input in one piece.
  const std::uint32_t whole = tokens_max(model_);
  batch_tokens_max_ = model_.causal ? std::min(model_.prefill_chunk_tokens, whole) : whole;
  params.n_ctx = model_.causal ? whole + batch_tokens_max_ : whole;
  params.n_batch = params.n_ubatch = batch_tokens_max_;
  params.n_seq_max =
      std::min(kInputsOfBatchMax, static_cast<std::uint32_t>(llama_max_parallel_sequences()));
  params.n_threads = params.n_threads_batch = static_cast<std::int32_t>(model_.threads);
  params.kv_unified = true;
  params.embeddings = true;
  params.no_perf = true;
  params.pooling_type = LLAMA_POOLING_TYPE_NONE;
  if (!model_.causal) {
    params.pooling_type = pooling_ == Pooling::First  ? LLAMA_POOLING_TYPE_CLS
                          : pooling_ == Pooling::Last ? LLAMA_POOLING_TYPE_LAST
                                                      : LLAMA_POOLING_TYPE_MEAN;
  }
  auto made = guarded(Code::Unavailable, "llama.cpp cannot make a context for embeddings", [&] {
    return llama_context_ptr(llama_init_from_model(model_.model.get(), params));
  });
  TRY(context_, std::move(made));
  if (!context_) {
    batch_tokens_max_ = 0;
    return Error{Code::Unavailable, "llama.cpp cannot make a context for embeddings"};
  }
  batch_ = llama_batch_init(static_cast<std::int32_t>(batch_tokens_max_), 0, 1);
  return ok();
}

Result<void> Embedder::begin(std::shared_ptr<EmbedJob> job) {
  if (!context_) TRY_VOID(make_context());
  job_ = std::move(job);
  next_input_ = 0;
  next_position_ = 0;
  sums_.assign(job_->inputs.size(),
               std::vector<double>(llama_model_n_embd_out(model_.model.get()), 0.0));
  return ok();
}

/// Consecutive inputs until the batch is full; only a decoder's may be divided.
void Embedder::fill_batch() {
  batch_.n_tokens = 0;
  places_.clear();
  for (std::uint32_t used = 0; used < kInputsOfBatchMax && next_input_ < job_->inputs.size();
       ++used) {
    const std::vector<llama_token>& input = job_->inputs[next_input_];
    const auto size = static_cast<std::uint32_t>(input.size());
    const std::uint32_t room = batch_tokens_max_ - static_cast<std::uint32_t>(batch_.n_tokens);
    if (room == 0 || (!model_.causal && size > room)) return;
    const std::uint32_t end = std::min(size, next_position_ + room);
    for (; next_position_ < end; ++next_position_) {
      const std::int32_t i = batch_.n_tokens++;
      batch_.token[i] = input[next_position_];
      batch_.pos[i] = static_cast<llama_pos>(next_position_);
      batch_.n_seq_id[i] = 1;
      batch_.seq_id[i][0] = static_cast<llama_seq_id>(next_input_ % kInputsOfBatchMax);
      batch_.logits[i] = 1;
      places_.push_back({next_input_, next_position_});
    }
    if (end < size) return;
    ++next_input_;
    next_position_ = 0;
  }
}

Result<bool> Embedder::step(std::uint32_t threads, ggml_abort_callback stop, void* stop_data) {
  fill_batch();
  const auto count = static_cast<std::int32_t>(threads);
  llama_set_n_threads(context_.get(), count, count);
  llama_set_abort_callback(context_.get(), stop, stop_data);
  TRY(const std::int32_t status, guarded(Code::Internal, "computing embeddings failed",
                                         [&] { return llama_decode(context_.get(), batch_); }));
  if (status == 2) return Error{Code::Cancelled, "the request was cancelled"};
  if (status != 0)
    return Error{Code::Internal,
                 "llama.cpp could not compute the embeddings (" + std::to_string(status) + ")"};
  collect();
  return next_input_ == job_->inputs.size();
}

void Embedder::collect() {
  for (std::size_t i = 0; i < places_.size(); ++i) {
    const Place& place = places_[i];
    if (model_.causal)
      collect_token(place, llama_get_embeddings_ith(context_.get(), static_cast<std::int32_t>(i)));
    if (place.position + 1 == job_->inputs[place.input].size()) finish_input(place.input);
  }
}

void Embedder::collect_token(const Place& place, const float* output) {
  if (!output) return;
  const bool last = place.position + 1 == job_->inputs[place.input].size();
  if (pooling_ == Pooling::First && place.position != 0) return;
  if (pooling_ == Pooling::Last && !last) return;
  std::vector<double>& sum = sums_[place.input];
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += output[i];
}

void Embedder::finish_input(std::size_t input) {
  const auto sequence = static_cast<llama_seq_id>(input % kInputsOfBatchMax);
  if (!model_.causal) {
    const float* pooled = llama_get_embeddings_seq(context_.get(), sequence);
    if (pooled) std::copy_n(pooled, sums_[input].size(), sums_[input].begin());
  }
  if (llama_memory_t memory = llama_get_memory(context_.get()))
    llama_memory_seq_rm(memory, sequence, -1, -1);
}

std::vector<std::vector<float>> Embedder::take() {
  std::vector<std::vector<float>> vectors;
  vectors.reserve(sums_.size());
  for (const std::vector<double>& sum : sums_) {
    double square = 0;
    for (const double value : sum) square += value * value;
    const double length = square > 0 ? std::sqrt(square) : 1;
    std::vector<float>& vector = vectors.emplace_back();
    vector.reserve(sum.size());
    for (const double value : sum) vector.push_back(static_cast<float>(value / length));
  }
  drop();
  return vectors;
}

void Embedder::drop() {
  job_.reset();
  sums_.clear();
  if (!context_) return;
  if (llama_memory_t memory = llama_get_memory(context_.get())) llama_memory_clear(memory, false);
}

}  // namespace hearth::engine
