// Answers prompts greedily with llama.cpp, for evaluate.py.
//
//   ember-evaluate MODEL PROMPTS [KV-TYPE]
//
// PROMPTS holds rendered prompts separated by NUL bytes; each answer goes to standard output with a
// NUL byte after it. KV-TYPE "q8_0" measures with an 8-bit cache.
#include <llama.h>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace {

constexpr int max_answer = 200;
constexpr int context_size = 2048;

std::vector<llama_token> tokenize(const llama_vocab* vocab, const std::string& text) {
  std::vector<llama_token> ids(text.size() + 8);
  const int count = llama_tokenize(vocab, text.data(), static_cast<int>(text.size()), ids.data(),
                                   static_cast<int>(ids.size()), false, true);
  ids.resize(count > 0 ? static_cast<size_t>(count) : 0);
  return ids;
}

std::string piece_of(const llama_vocab* vocab, llama_token id) {
  char text[256];
  const int size = llama_token_to_piece(vocab, id, text, sizeof text, 0, false);
  return std::string(text, size > 0 ? static_cast<size_t>(size) : 0);
}

llama_token best_token(const float* logits, int count) {
  int best = 0;
  for (int i = 1; i < count; ++i) {
    if (logits[i] > logits[best]) best = i;
  }
  return best;
}

/// One prompt after the other: what begins like the one before is not computed again.
class Answerer {
 public:
  Answerer(llama_context* context, const llama_vocab* vocab) : context_(context), vocab_(vocab) {}

  std::string answer(const std::string& prompt) {
    const std::vector<llama_token> ids = tokenize(vocab_, prompt);
    if (ids.empty() || ids.size() + max_answer > context_size) return "(the prompt does not fit)";
    std::vector<llama_token> rest = keep_common(ids);
    std::string text;
    llama_batch batch = llama_batch_get_one(rest.data(), static_cast<int>(rest.size()));
    llama_token next = 0;
    for (int i = 0; i < max_answer; ++i) {
      if (llama_decode(context_, batch) != 0) return "(decode failed)";
      next = best_token(llama_get_logits_ith(context_, -1), llama_vocab_n_tokens(vocab_));
      if (llama_vocab_is_eog(vocab_, next)) break;
      text += piece_of(vocab_, next);
      batch = llama_batch_get_one(&next, 1);
    }
    return text;
  }

 private:
  /// Leaves in the cache what `ids` has in common with the last prompt; gives the rest.
  std::vector<llama_token> keep_common(const std::vector<llama_token>& ids) {
    size_t common = 0;
    while (common + 1 < ids.size() && common < last_.size() && ids[common] == last_[common]) {
      ++common;
    }
    llama_memory_seq_rm(llama_get_memory(context_), 0, static_cast<llama_pos>(common), -1);
    last_ = ids;
    return std::vector<llama_token>(ids.begin() + static_cast<std::ptrdiff_t>(common), ids.end());
  }

  llama_context* context_;
  const llama_vocab* vocab_;
  std::vector<llama_token> last_;
};

void quiet(ggml_log_level level, const char* text, void*) {
  if (level == GGML_LOG_LEVEL_ERROR || level == GGML_LOG_LEVEL_WARN) std::fputs(text, stderr);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: %s MODEL PROMPTS [q8_0]\n", argv[0]);
    return 2;
  }
  llama_log_set(quiet, nullptr);
  llama_backend_init();
  llama_model* model = llama_model_load_from_file(argv[1], llama_model_default_params());
  if (!model) return 1;
  llama_context_params params = llama_context_default_params();
  params.n_ctx = params.n_batch = context_size;
  params.n_threads = params.n_threads_batch = 1;
  if (argc > 3 && std::strcmp(argv[3], "q8_0") == 0) params.type_k = params.type_v = GGML_TYPE_Q8_0;
  llama_context* context = llama_init_from_model(model, params);
  if (!context) return 1;

  std::ifstream file(argv[2], std::ios::binary);
  const std::string all((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  Answerer answerer(context, llama_model_get_vocab(model));
  for (size_t begin = 0; begin <= all.size();) {
    const size_t end = std::min(all.find('\0', begin), all.size());
    const std::string text = answerer.answer(all.substr(begin, end - begin));
    std::fwrite(text.c_str(), 1, text.size() + 1, stdout);
    begin = end + 1;
  }
  llama_free(context);
  llama_model_free(model);
  return 0;
}
