// invariance MODEL.gguf...: computes the same tokens in many ways and compares logits bit by bit,
// for each model with several kinds of weights and both kinds of KV cache. Prints one row for each.
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/runtime/self_check.h"

namespace {

using namespace hearth::engine;

struct Weights {
  const char* name;
  std::optional<llama_ftype> type;  // nullopt: as in the file
  bool repack;
};
constexpr Weights kWeights[] = {
    {"as they are", std::nullopt, true},
    {"Q8_0", LLAMA_FTYPE_MOSTLY_Q8_0, true},
    {"Q4_0", LLAMA_FTYPE_MOSTLY_Q4_0, true},
    {"Q4_K_M", LLAMA_FTYPE_MOSTLY_Q4_K_M, true},
    {"Q4_K_M, not repacked", LLAMA_FTYPE_MOSTLY_Q4_K_M, false},
    {"Q6_K", LLAMA_FTYPE_MOSTLY_Q6_K, true},
};

const char* memory_of(const llama_model* model) {
  if (llama_model_is_hybrid(model)) return "hybrid";
  if (llama_model_is_recurrent(model)) return "recurrent";
  return llama_model_n_swa(model) > 0 ? "sliding window" : "attention";
}

LoadedModel load(const std::string& path, const Weights& weights, KvType kv) {
  llama_model_params params = llama_model_default_params();
  params.use_extra_bufts = weights.repack;
  LoadedModel loaded;
  loaded.model.reset(llama_model_load_from_file(path.c_str(), params));
  loaded.context_tokens = 4'096;
  loaded.slots = 4;
  loaded.threads = 2;
  loaded.prefill_chunk_tokens = 512;
  loaded.kv_type = kv;
  return loaded;
}

void print_row(const std::string& name, const Weights& weights, KvType kv, const LoadedModel& model,
               std::uint32_t tokens) {
  const char* cache = kv == KvType::Q8_0 ? "q8_0" : "f16";
  auto made = SelfCheck::make(model, SelfCheck::Extent::Whole, tokens);
  std::printf("| %s | %s | %s | %s | ", name.c_str(), memory_of(model.model.get()), weights.name,
              cache);
  if (!made.ok()) return void(std::printf("- | no context: %s |\n", made.error().message.c_str()));
  SelfCheck& test = *made.value();
  std::size_t failed = 0;
  for (;;) {
    const auto more = test.step();
    if (more.ok() && !more.value()) break;
    failed += more.ok() ? 0 : 1;
    if (failed > 64) break;  // not even the straight computation works
  }
  std::size_t same = 0;
  for (const auto& outcome : test.outcomes()) same += outcome.same ? 1 : 0;
  const std::string first = test.first_difference();
  std::printf("%zu/%zu | %s |\n", same, test.outcomes().size() + failed,
              !first.empty() ? first.c_str()
              : failed > 0   ? "(could not be computed)"
                             : "");
  std::fflush(stdout);
}

void measure(const std::string& file, std::uint32_t tokens) {
  const std::string name = std::filesystem::path(file).stem();
  const std::string quantized = file + ".quantized";
  for (const Weights& weights : kWeights) {
    std::string path = file;
    if (weights.type) {
      llama_model_quantize_params params = llama_model_quantize_default_params();
      params.ftype = *weights.type;
      params.allow_requantize = true;
      if (llama_model_quantize(file.c_str(), quantized.c_str(), &params) != 0) continue;
      path = quantized;
    }
    for (const KvType kv : {KvType::F16, KvType::Q8_0}) {
      const LoadedModel model = load(path, weights, kv);
      if (model.model) print_row(name, weights, kv, model, tokens);
    }
  }
  std::filesystem::remove(quantized);
}

}  // namespace

int main(int argc, char** argv) {
  std::uint32_t tokens = 200;
  const std::string_view wanted = std::getenv("TOKENS") ? std::getenv("TOKENS") : "";
  std::from_chars(wanted.data(), wanted.data() + wanted.size(), tokens);
  llama_log_set([](ggml_log_level, const char*, void*) {}, nullptr);
  llama_backend_init();
  std::printf(
      "| model | memory | weights | KV | same | first difference |\n|---|---|---|---|---|---|\n");
  for (int i = 1; i < argc; ++i) measure(argv[i], tokens);
  return 0;
}
