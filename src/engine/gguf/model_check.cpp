#include "engine/gguf/model_check.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/utf8.h"

namespace hearth::engine {
namespace {

constexpr std::int64_t kLayersMax = 512;          // LLAMA_MAX_LAYERS
constexpr std::int64_t kExpertsMax = 1'024;       // LLAMA_MAX_EXPERTS
constexpr std::int64_t kLengthMax = 1 << 24;      // of vectors; ours
constexpr std::int64_t kContextMax = 1LL << 30;   // tokens; ours
constexpr std::int64_t kVocabularyMax = 1 << 24;  // as kGgufArrayItemsMax
constexpr std::int64_t kPoolingMax = 4;           // LLAMA_POOLING_TYPE_RANK

/// llama_ftype by number; null where there is none. Source: llama.h, llama-model-loader.cpp.
constexpr std::array<const char*, 42> kFileTypes = {
    "F32",           "F16",          "Q4_0",          "Q4_1",         nullptr,
    nullptr,         nullptr,        "Q8_0",          "Q5_0",         "Q5_1",
    "Q2_K - Medium", "Q3_K - Small", "Q3_K - Medium", "Q3_K - Large", "Q4_K - Small",
    "Q4_K - Medium", "Q5_K - Small", "Q5_K - Medium", "Q6_K",         "IQ2_XXS",
    "IQ2_XS",        "Q2_K - Small", "IQ3_XS",        "IQ3_XXS",      "IQ1_S",
    "IQ4_NL",        "IQ3_S",        "IQ3_M",         "IQ2_S",        "IQ2_M",
    "IQ4_XS",        "IQ1_M",        "BF16",          nullptr,        nullptr,
    nullptr,         "TQ1_0",        "TQ2_0",         "MXFP4",        "NVFP4",
    "Q1_0",          "Q2_0"};

/// Keys and names come from the file; a sentence has no control characters and no ill-formed bytes.
std::string printable(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return to_utf8(text.substr(0, 300));
}

Error corrupt(const std::string& problem) {
  return {Code::Corrupt, "the model file " + printable(problem)};
}
Error unsuitable(const std::string& problem) {
  return {Code::InvalidInput, "the model file " + printable(problem)};
}

/// As a fallback: there is none.
constexpr std::int64_t kRequired = -1;

struct Range {
  std::int64_t min, max;
};

class Check {
 public:
  explicit Check(const GgufFile& file) : file_(file) {}

  Result<ModelFacts> run() {
    TRY_VOID(check_kind());
    TRY_VOID(check_sizes());
    TRY_VOID(check_heads());
    TRY_VOID(check_experts());
    TRY_VOID(check_numbers());
    TRY_VOID(check_vocabulary());
    TRY_VOID(check_special_tokens());
    TRY_VOID(check_tensors());
    facts_.name = to_utf8(file_.text("general.name").value_or(""));
    facts_.chat_template = to_utf8(file_.text("tokenizer.chat_template").value_or(""));
    facts_.size_bytes = file_.bytes;
    facts_.tensors = file_.tensors.size();
    facts_.quantization = quantization();
    return std::move(facts_);
  }

 private:
  std::string key(const char* name) const { return facts_.architecture + "." + name; }

  /// A whole number in its range. Errors: Corrupt (absent without a fallback, wrong type, out of
  /// range).
  Result<std::int64_t> number(const std::string& name, Range range, std::int64_t fallback) const {
    const GgufValue* value = file_.find(name);
    if (!value && fallback != kRequired) return fallback;
    if (!value) return corrupt("lacks " + name);
    const auto whole = file_.whole(name);
    if (!whole || *whole < range.min || *whole > range.max) {
      return corrupt("has an impossible " + name + " (" + std::to_string(range.min) + " to " +
                     std::to_string(range.max) + " is possible)");
    }
    return *whole;
  }

  /// A number, or one for each layer. Absent: `fallback` once.
  Result<std::vector<std::int64_t>> number_a_layer(const std::string& name, Range range,
                                                   std::int64_t fallback) const {
    const GgufValue* value = file_.find(name);
    if (!value || !value->is_array) {
      TRY(const std::int64_t one, number(name, range, fallback));
      return std::vector<std::int64_t>{one};
    }
    const bool fits = value->whole.size() == facts_.layers &&
                      std::all_of(value->whole.begin(), value->whole.end(), [&](std::int64_t item) {
                        return item >= 0 && item <= range.max;
                      });
    if (!fits) return corrupt("has an impossible " + name);
    return value->whole;
  }

  Result<void> check_kind() {
    facts_.architecture = file_.text("general.architecture").value_or("");
    if (facts_.architecture.empty()) return corrupt("does not say its architecture");
    if (facts_.architecture.size() > 64 || !is_utf8(facts_.architecture))
      return corrupt("has an impossible architecture");
    const std::string kind = file_.text("general.type").value_or("model");
    if (kind == "adapter") return unsuitable("is a LoRA adapter, not a model");
    if (kind != "model" || facts_.architecture == "clip")
      return unsuitable("is not a language model");
    if (file_.whole("split.count").value_or(0) > 1) {
      return unsuitable(
          "is one part of a split model; join the parts with llama-gguf-split --merge");
    }
    if (file_.tensors.empty()) return unsuitable("holds a vocabulary but no weights");
    return ok();
  }

  Result<void> check_sizes() {
    TRY(const auto layers, number(key("block_count"), {1, kLayersMax}, kRequired));
    TRY(const auto context, number(key("context_length"), {1, kContextMax}, kRequired));
    TRY(const auto length, number(key("embedding_length"), {1, kLengthMax}, kRequired));
    facts_.layers = static_cast<std::uint32_t>(layers);
    facts_.context_tokens = static_cast<std::uint32_t>(context);
    facts_.embedding_length = static_cast<std::uint32_t>(length);
    TRY_VOID(number(key("nextn_predict_layers"), {0, layers}, 0));
    TRY_VOID(check_pooling());
    TRY_VOID(number_a_layer(key("feed_forward_length"), {0, kLengthMax}, 0));
    return ok();
  }

  /// llama_model_save_to_file() writes "unspecified", which is -1, as an unsigned number.
  Result<void> check_pooling() {
    if (file_.whole(key("pooling_type")) == std::int64_t{0xffffffff}) return ok();
    TRY_VOID(number(key("pooling_type"), {-1, kPoolingMax}, 0));
    return ok();
  }

  Result<void> check_heads() {
    const Range range{1, kLengthMax};
    const bool attends = file_.find(key("attention.head_count")) != nullptr;
    if (!attends) return ok();  // a recurrent model
    TRY(const auto heads, number_a_layer(key("attention.head_count"), range, 1));
    const std::int64_t most = *std::max_element(heads.begin(), heads.end());
    TRY(const auto kv_heads, number_a_layer(key("attention.head_count_kv"), range, most));
    const std::int64_t kv_most = *std::max_element(kv_heads.begin(), kv_heads.end());
    for (std::size_t i = 0; i < std::max(heads.size(), kv_heads.size()); ++i) {
      const std::int64_t mine = heads[std::min(i, heads.size() - 1)];
      const std::int64_t shared = kv_heads[std::min(i, kv_heads.size() - 1)];
      if (shared > 0 && mine % shared != 0)
        return corrupt("has attention heads that do not divide by the key-value heads");
    }
    // A number a layer may begin with a layer that does not attend.
    const bool divides = heads[0] > 0 && facts_.embedding_length % heads[0] == 0;
    const std::int64_t usual =
        heads[0] == 0 ? 0 : (divides ? facts_.embedding_length / heads[0] : kRequired);
    TRY(const auto keys, number(key("attention.key_length"), range, usual));
    TRY(const auto values, number(key("attention.value_length"), range, usual));
    facts_.heads = static_cast<std::uint32_t>(most);
    facts_.kv_heads = static_cast<std::uint32_t>(kv_most);
    facts_.key_length = static_cast<std::uint32_t>(keys);
    facts_.value_length = static_cast<std::uint32_t>(values);
    TRY(const auto rotated, number(key("rope.dimension_count"), {0, kLengthMax}, 0));
    if (rotated % 2 != 0 || rotated > keys)
      return corrupt("has an impossible " + key("rope.dimension_count"));
    return ok();
  }

  Result<void> check_experts() const {
    TRY(const auto experts, number(key("expert_count"), {0, kExpertsMax}, 0));
    TRY(const auto used, number_a_layer(key("expert_used_count"), {0, experts}, 0));
    TRY(const auto groups, number(key("expert_group_count"), {0, kExpertsMax}, 0));
    TRY(const auto used_groups, number(key("expert_group_used_count"), {0, kExpertsMax}, 0));
    const std::int64_t used_most = *std::max_element(used.begin(), used.end());
    bool possible = experts == 0 ? groups == 0 : used_most > 0 && groups < experts;
    if (groups > 1) {
      possible = possible && experts % groups == 0 && used_groups > 0 && used_groups < groups;
    }
    return possible ? ok() : Result<void>(corrupt("has impossible numbers of experts"));
  }

  /// Numbers that operators insist on.
  Result<void> check_numbers() const {
    for (const auto& [name, value] : file_.values) {
      if (!name.ends_with("_epsilon")) continue;
      for (const double number : value.numbers) {
        if (!std::isfinite(number) || number < 0) return corrupt("has an impossible " + name);
      }
    }
    const auto scaling = file_.text(key("rope.scaling.type"));
    const auto known = {"none", "linear", "yarn", "longrope"};
    if (scaling && std::find(known.begin(), known.end(), *scaling) == known.end()) {
      return corrupt("has an unknown " + key("rope.scaling.type"));
    }
    return ok();
  }

  Result<void> check_vocabulary() {
    facts_.tokenizer = file_.text("tokenizer.ggml.model").value_or("");
    if (facts_.tokenizer.empty() || facts_.tokenizer.size() > 64)
      return corrupt("lacks tokenizer.ggml.model");
    facts_.tokenizer = to_utf8(facts_.tokenizer);
    if (facts_.tokenizer == "none" || facts_.tokenizer == "no_vocab") {
      TRY(const auto size, number(key("vocab_size"), {0, kVocabularyMax}, 0));
      facts_.vocabulary = static_cast<std::uint32_t>(size);
      return ok();
    }
    TRY(const auto tokens, array_length("tokenizer.ggml.tokens", GgufType::String));
    if (tokens == 0) return corrupt("has an empty vocabulary");
    if (!file_.tokens_are_unique) return corrupt("has a token twice in its vocabulary");
    facts_.vocabulary = static_cast<std::uint32_t>(tokens);
    for (const char* beside : {"tokenizer.ggml.scores", "tokenizer.ggml.token_type"}) {
      const GgufValue* value = file_.find(beside);
      if (value && (!value->is_array || value->count < tokens)) {
        return corrupt(std::string("has fewer items in ") + beside + " than tokens");
      }
    }
    return ok();
  }

  Result<std::uint64_t> array_length(const char* name, GgufType type) const {
    const GgufValue* value = file_.find(name);
    if (!value || !value->is_array || value->type != type)
      return corrupt(std::string("lacks ") + name);
    return value->count;
  }

  /// llama.cpp aborts when it should put a token before a text and the vocabulary has none.
  Result<void> check_special_tokens() const {
    if (facts_.tokenizer == "none" || facts_.tokenizer == "no_vocab") return ok();
    const std::int64_t last = static_cast<std::int64_t>(facts_.vocabulary) - 1;
    for (const char* name :
         {"bos", "eos", "unknown", "seperator", "padding", "mask", "eot", "eom"}) {
      const std::string id = std::string("tokenizer.ggml.") + name + "_token_id";
      if (file_.find(id)) TRY_VOID(number(id, {0, last}, kRequired));
    }
    const bool bert = facts_.tokenizer == "bert";
    const bool llama = facts_.tokenizer == "llama";
    const std::int64_t usual_bos = bert ? 101 : llama ? 1 : facts_.tokenizer == "t5" ? -1 : 11;
    const std::int64_t usual_eos = bert ? -1 : llama ? 2 : facts_.tokenizer == "t5" ? 1 : 11;
    const auto has = [&](const char* id, std::int64_t usual) {
      return file_.find(id) || (usual >= 0 && usual <= last);
    };
    const bool adds_start = file_.flag("tokenizer.ggml.add_bos_token").value_or(bert || llama);
    if (adds_start && !has("tokenizer.ggml.bos_token_id", usual_bos))
      return corrupt("lacks tokenizer.ggml.bos_token_id");
    const bool adds_end = file_.flag("tokenizer.ggml.add_eos_token").value_or(false);
    if (adds_end && !has("tokenizer.ggml.eos_token_id", usual_eos))
      return corrupt("lacks tokenizer.ggml.eos_token_id");
    if (bert && !has("tokenizer.ggml.seperator_token_id", 102))
      return corrupt("lacks tokenizer.ggml.seperator_token_id");
    return ok();
  }

  Result<void> check_tensors() {
    for (const GgufTensor& tensor : file_.tensors) {
      facts_.parameters += tensor.elements;
      const std::string type = tensor_type(tensor.type)->name;
      // Formats of intermediate results, for which no operator takes weights.
      const bool intermediate = type == "Q8_1" || type == "Q8_K" || type == "F64" || type == "I8" ||
                                type == "I16" || type == "I64";
      const bool vector = tensor.dimensions == 1 && type != "F32" && type != "F16" &&
                          type != "BF16" && type != "I32";
      if (tensor.name.ends_with(".weight") && (intermediate || vector)) {
        return corrupt("stores \"" + tensor.name + "\" as " + type +
                       ", which nothing can compute with");
      }
    }
    return ok();
  }

  std::string quantization() const {
    const auto type = file_.whole("general.file_type");
    if (type && *type >= 0 && *type < static_cast<std::int64_t>(kFileTypes.size()) &&
        kFileTypes[static_cast<std::size_t>(*type)]) {
      return kFileTypes[static_cast<std::size_t>(*type)];
    }
    std::string only;
    for (const GgufTensor& tensor : file_.tensors) {
      if (tensor.dimensions < 2) continue;
      const char* name = tensor_type(tensor.type)->name;
      if (!only.empty() && only != name) return "unknown";
      only = name;
    }
    return only.empty() ? "unknown" : only;
  }

  const GgufFile& file_;
  ModelFacts facts_{};
};

}  // namespace

Result<ModelFacts> facts_of(const GgufFile& file) { return Check(file).run(); }

}  // namespace hearth::engine
