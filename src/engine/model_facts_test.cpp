#include "engine/model_facts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>

#include "engine/gguf/gguf_file.h"
#include "ggml.h"

namespace hearth::engine {
namespace {

using ::testing::HasSubstr;

constexpr std::uint64_t kHuge = std::numeric_limits<std::uint64_t>::max();

/// Writes a GGUF file. Damage is done by changing its parts before bytes(), or the bytes after.
struct Maker {
  struct Tensor {
    std::string name;
    std::vector<std::uint64_t> shape;
    std::uint32_t type = 0;
    std::optional<std::uint64_t> offset{};  // absent: where it belongs
  };
  std::string magic = "GGUF";
  std::uint32_t version = 3;
  std::uint64_t alignment = 32;
  std::vector<std::pair<std::string, std::string>> pairs;  // key; type and value, encoded
  std::vector<Tensor> tensors;
  std::optional<std::uint64_t> key_count{}, tensor_count{};

  template <class T>
  static std::string raw(T value) {
    return {reinterpret_cast<const char*>(&value), sizeof(value)};
  }
  static std::string str(std::string_view text) {
    return raw<std::uint64_t>(text.size()) + std::string(text);
  }
  static std::string type(GgufType kind) { return raw(static_cast<std::uint32_t>(kind)); }
  static std::string u32(std::uint32_t value) { return type(GgufType::Uint32) + raw(value); }
  static std::string f32(float value) { return type(GgufType::Float32) + raw(value); }
  static std::string text(std::string_view value) { return type(GgufType::String) + str(value); }
  static std::string flag(bool value) { return type(GgufType::Bool) + raw<std::uint8_t>(value); }
  static std::string texts(const std::vector<std::string>& items) {
    std::string result =
        type(GgufType::Array) + type(GgufType::String) + raw<std::uint64_t>(items.size());
    for (const auto& item : items) result += str(item);
    return result;
  }
  static std::string u32s(const std::vector<std::uint32_t>& items) {
    std::string result =
        type(GgufType::Array) + type(GgufType::Uint32) + raw<std::uint64_t>(items.size());
    for (const auto item : items) result += raw(item);
    return result;
  }

  void set(const std::string& key, const std::string& value) {
    remove(key);
    pairs.emplace_back(key, value);
  }
  void remove(const std::string& key) {
    std::erase_if(pairs, [&](const auto& pair) { return pair.first == key; });
  }

  std::string header() const {
    std::string result = magic + raw(version) +
                         raw<std::uint64_t>(tensor_count.value_or(tensors.size())) +
                         raw<std::uint64_t>(key_count.value_or(pairs.size()));
    for (const auto& [key, value] : pairs) result += str(key) + value;
    std::uint64_t next = 0;
    for (const Tensor& tensor : tensors) {
      result += str(tensor.name) + raw(static_cast<std::uint32_t>(tensor.shape.size()));
      std::uint64_t elements = 1;
      for (const std::uint64_t length : tensor.shape) {
        result += raw(length);
        elements *= length;
      }
      result += raw(tensor.type) + raw<std::uint64_t>(tensor.offset.value_or(next));
      const GgufTensorType* kind = tensor_type(tensor.type);
      const std::uint64_t bytes = kind ? elements / kind->block_elements * kind->block_bytes : 0;
      next = (next + bytes + alignment - 1) / alignment * alignment;
    }
    return result;
  }

  std::string bytes() const {
    std::string result = header();
    result.resize((result.size() + alignment - 1) / alignment * alignment);
    std::uint64_t data = 0;
    for (const Tensor& tensor : tensors) {
      const GgufTensorType* kind = tensor_type(tensor.type);
      std::uint64_t elements = 1;
      for (const std::uint64_t length : tensor.shape)
        elements *= std::min<std::uint64_t>(length, 4096);
      data = (data + (kind ? elements / kind->block_elements * kind->block_bytes : 0) + alignment -
              1) /
             alignment * alignment;
    }
    result.resize(result.size() + data, '\1');
    return result;
  }
};

Maker valid() {
  Maker file;
  file.set("general.architecture", Maker::text("llama"));
  file.set("general.name", Maker::text("Tiny"));
  file.set("general.file_type", Maker::u32(7));
  file.set("llama.block_count", Maker::u32(2));
  file.set("llama.context_length", Maker::u32(128));
  file.set("llama.embedding_length", Maker::u32(64));
  file.set("llama.feed_forward_length", Maker::u32(96));
  file.set("llama.attention.head_count", Maker::u32(4));
  file.set("llama.attention.head_count_kv", Maker::u32(2));
  file.set("llama.attention.layer_norm_rms_epsilon", Maker::f32(1e-5f));
  file.set("llama.rope.dimension_count", Maker::u32(16));
  file.set("tokenizer.ggml.model", Maker::text("llama"));
  file.set("tokenizer.ggml.tokens", Maker::texts({"<unk>", "<s>", "</s>", "a", "b"}));
  file.set("tokenizer.chat_template", Maker::text("{{ messages }}"));
  file.tensors = {{"token_embd.weight", {64, 5}, 8},
                  {"output_norm.weight", {64}, 0},
                  {"blk.0.attn_q.weight", {64, 64}, 8}};
  return file;
}

TEST(ModelFacts, OfAValidFile) {
  const std::string bytes = valid().bytes();
  const auto facts = parse_model_facts(bytes);
  ASSERT_TRUE(facts.ok()) << facts.error().message;
  const ModelFacts& found = facts.value();
  EXPECT_EQ(found.name, "Tiny");
  EXPECT_EQ(found.architecture, "llama");
  EXPECT_EQ(found.quantization, "Q8_0");
  EXPECT_EQ(found.size_bytes, bytes.size());
  EXPECT_EQ(found.parameters, 64u * 5 + 64 + 64 * 64);
  EXPECT_EQ(found.tensors, 3u);
  EXPECT_EQ(found.context_tokens, 128u);
  EXPECT_EQ(found.embedding_length, 64u);
  EXPECT_EQ(found.layers, 2u);
  EXPECT_EQ(found.heads, 4u);
  EXPECT_EQ(found.kv_heads, 2u);
  EXPECT_EQ(found.key_length, 16u);
  EXPECT_EQ(found.value_length, 16u);
  EXPECT_EQ(found.vocabulary, 5u);
  EXPECT_EQ(found.tokenizer, "llama");
  EXPECT_EQ(found.chat_template, "{{ messages }}");
  EXPECT_EQ(found.fingerprint, "");
}

TEST(ModelFacts, OldAndUnusualFilesAreFine) {
  const std::pair<const char*, std::function<void(Maker&)>> kCases[] = {
      {"version 2", [](Maker& f) { f.version = 2; }},
      {"heads a layer",
       [](Maker& f) {
         f.set("llama.attention.head_count", Maker::u32s({4, 8}));
       }},
      {"a layer without attention",
       [](Maker& f) {
         f.set("llama.attention.head_count_kv", Maker::u32s({0, 2}));
       }},
      {"the smallest context", [](Maker& f) { f.set("llama.context_length", Maker::u32(1)); }},
      {"the most layers", [](Maker& f) { f.set("llama.block_count", Maker::u32(512)); }},
      {"another alignment",
       [](Maker& f) {
         f.alignment = 64;
         f.set("general.alignment", Maker::u32(64));
       }},
      {"unspecified pooling",
       [](Maker& f) { f.set("llama.pooling_type", Maker::u32(0xffffffff)); }},
      {"own head length",
       [](Maker& f) {
         f.set("llama.attention.key_length", Maker::u32(40));
         f.set("llama.attention.value_length", Maker::u32(24));
       }},
  };
  for (const auto& [name, change] : kCases) {
    SCOPED_TRACE(name);
    Maker file = valid();
    change(file);
    const auto facts = parse_model_facts(file.bytes());
    EXPECT_TRUE(facts.ok()) << facts.error().message;
  }
}

TEST(ModelFacts, QuantizationWithoutFileType) {
  Maker file = valid();
  file.remove("general.file_type");
  EXPECT_EQ(parse_model_facts(file.bytes()).value().quantization, "Q8_0");
  file.tensors.push_back({"blk.0.attn_k.weight", {64, 32}, 1});
  EXPECT_EQ(parse_model_facts(file.bytes()).value().quantization, "unknown");
}

TEST(ModelFacts, CutAnywhereItIsRefused) {
  const Maker file = valid();
  const std::string bytes = file.bytes();
  for (std::size_t size = 0; size < bytes.size();
       size += size < file.header().size() + 64 ? 1 : 37) {
    const auto facts = parse_model_facts(std::string_view(bytes).substr(0, size));
    ASSERT_FALSE(facts.ok()) << size;
    const Code wanted = size < 4 ? Code::InvalidInput : Code::Corrupt;
    EXPECT_EQ(facts.error().code, wanted) << size << ": " << facts.error().message;
  }
  EXPECT_THAT(parse_model_facts(bytes.substr(0, bytes.size() / 2)).error().message,
              HasSubstr("cut short"));
}

TEST(ModelFacts, DamagedFilesAreRefusedWithOneSentence) {
  struct Case {
    Code code;
    const char* says;
    std::function<void(Maker&)> damage;
  };
  const auto set = [](const char* key, std::string value) {
    return [key, value](Maker& f) { f.set(key, value); };
  };
  const auto lack = [](const char* key) { return [key](Maker& f) { f.remove(key); }; };
  const Case kCases[] = {
      {Code::InvalidInput, "not a GGUF", [](Maker& f) { f.magic = "GGML"; }},
      {Code::InvalidInput, "version 1", [](Maker& f) { f.version = 1; }},
      {Code::InvalidInput, "version 4", [](Maker& f) { f.version = 4; }},
      {Code::InvalidInput, "big-endian", [](Maker& f) { f.version = 0x03000000; }},
      {Code::TooLarge, "65536 metadata keys", [](Maker& f) { f.key_count = 65'537; }},
      {Code::TooLarge, "65536 metadata keys", [](Maker& f) { f.key_count = kHuge; }},
      {Code::TooLarge, "65536 tensors", [](Maker& f) { f.tensor_count = 65'537; }},
      {Code::Corrupt, "", [](Maker& f) { f.key_count = 65'536; }},
      {Code::Corrupt, "twice", [](Maker& f) { f.pairs.push_back(f.pairs[0]); }},
      {Code::Corrupt, "without a name", set("", Maker::u32(1))},
      {Code::Corrupt, "unknown type 13", set("x", Maker::raw<std::uint32_t>(13))},
      {Code::Corrupt, "array of arrays",
       set("x", Maker::type(GgufType::Array) + Maker::type(GgufType::Array) +
                    Maker::raw<std::uint64_t>(1))},
      {Code::Corrupt, "cut short", set("x", Maker::type(GgufType::String) + Maker::raw(kHuge))},
      {Code::TooLarge, "16777216 items",
       set("x", Maker::type(GgufType::Array) + Maker::type(GgufType::Uint64) + Maker::raw(kHuge))},
      {Code::Corrupt, "cut short",
       set("x", Maker::type(GgufType::Array) + Maker::type(GgufType::Uint64) +
                    Maker::raw<std::uint64_t>(1 << 24))},
      {Code::TooLarge, "metadata key of more than 65535",
       [](Maker& f) { f.set(std::string(65'536, 'k'), Maker::u32(1)); }},
      {Code::Corrupt, "power of two", set("general.alignment", Maker::u32(0))},
      {Code::Corrupt, "power of two", set("general.alignment", Maker::u32(48))},
      {Code::Corrupt, "power of two", set("general.alignment", Maker::text("32"))},

      {Code::Corrupt, "0 dimensions", [](Maker& f) { f.tensors[0].shape = {}; }},
      {Code::Corrupt, "5 dimensions",
       [](Maker& f) {
         f.tensors[0].shape = {32, 1, 1, 1, 1};
       }},
      {Code::Corrupt, "impossible shape",
       [](Maker& f) {
         f.tensors[0].shape = {64, 0};
       }},
      {Code::Corrupt, "impossible shape",
       [](Maker& f) {
         f.tensors[0].shape = {64, kHuge};
       }},
      {Code::Corrupt, "impossible shape",
       [](Maker& f) {
         f.tensors[0].shape = {1ULL << 32, 1ULL << 31};
       }},
      {Code::Corrupt, "cut short",
       [](Maker& f) {
         f.tensors[2].shape = {64, 1ULL << 40};
       }},
      {Code::Corrupt, "whole blocks",
       [](Maker& f) {
         f.tensors[0].shape = {63, 5};
       }},
      {Code::InvalidInput, "unknown type 4", [](Maker& f) { f.tensors[0].type = 4; }},
      {Code::InvalidInput, "unknown type 43", [](Maker& f) { f.tensors[0].type = 43; }},
      {Code::InvalidInput, "unknown type", [](Maker& f) { f.tensors[0].type = 0xffffffff; }},
      {Code::Corrupt, "over another", [](Maker& f) { f.tensors[1].offset = 0; }},
      {Code::Corrupt, "out of its place", [](Maker& f) { f.tensors[0].offset = 32; }},
      {Code::Corrupt, "unaligned", [](Maker& f) { f.tensors[1].offset = 353; }},
      {Code::Corrupt, "ends behind", [](Maker& f) { f.tensors[2].offset = kHuge - 31; }},
      {Code::Corrupt, "twice", [](Maker& f) { f.tensors[1].name = f.tensors[0].name; }},
      {Code::Corrupt, "without a name", [](Maker& f) { f.tensors[1].name = ""; }},
      {Code::TooLarge, "tensor name", [](Maker& f) { f.tensors[1].name = std::string(64, 'n'); }},
      {Code::Corrupt, "nothing can compute", [](Maker& f) { f.tensors[0].type = 9; }},
      {Code::Corrupt, "nothing can compute", [](Maker& f) { f.tensors[1].type = 8; }},
      {Code::InvalidInput, "no weights", [](Maker& f) { f.tensors.clear(); }},

      {Code::Corrupt, "architecture", lack("general.architecture")},
      {Code::Corrupt, "lacks a?b.block_count", set("general.architecture", Maker::text("a\nb"))},
      {Code::InvalidInput, "adapter", set("general.type", Maker::text("adapter"))},
      {Code::InvalidInput, "not a language model",
       set("general.architecture", Maker::text("clip"))},
      {Code::InvalidInput, "split",
       set("split.count", Maker::type(GgufType::Uint16) + Maker::raw<std::uint16_t>(2))},
      {Code::Corrupt, "lacks llama.block_count", lack("llama.block_count")},
      {Code::Corrupt, "llama.block_count", set("llama.block_count", Maker::u32(0))},
      {Code::Corrupt, "llama.block_count", set("llama.block_count", Maker::u32(513))},
      {Code::Corrupt, "llama.block_count", set("llama.block_count", Maker::text("2"))},
      {Code::Corrupt, "llama.context_length", set("llama.context_length", Maker::u32(0))},
      {Code::Corrupt, "llama.embedding_length", lack("llama.embedding_length")},
      {Code::Corrupt, "llama.attention.head_count",
       set("llama.attention.head_count", Maker::u32(0))},
      {Code::Corrupt, "llama.attention.head_count",
       set("llama.attention.head_count", Maker::u32s({4}))},
      {Code::Corrupt, "key_length", set("llama.attention.head_count", Maker::u32(6))},
      {Code::Corrupt, "do not divide", set("llama.attention.head_count_kv", Maker::u32(3))},
      {Code::Corrupt, "head_count_kv", set("llama.attention.head_count_kv", Maker::u32(0))},
      {Code::Corrupt, "rope.dimension_count", set("llama.rope.dimension_count", Maker::u32(15))},
      {Code::Corrupt, "rope.dimension_count", set("llama.rope.dimension_count", Maker::u32(18))},
      {Code::Corrupt, "rope.scaling.type", set("llama.rope.scaling.type", Maker::text("spiral"))},
      {Code::Corrupt, "_epsilon", set("llama.attention.layer_norm_rms_epsilon", Maker::f32(-1))},
      {Code::Corrupt, "_epsilon",
       set("llama.attention.layer_norm_rms_epsilon",
           Maker::f32(std::numeric_limits<float>::quiet_NaN()))},
      {Code::Corrupt, "experts", set("llama.expert_count", Maker::u32(8))},
      {Code::Corrupt, "expert_used_count", set("llama.expert_used_count", Maker::u32(2))},
      {Code::Corrupt, "expert_count", set("llama.expert_count", Maker::u32(1025))},
      {Code::Corrupt, "pooling_type", set("llama.pooling_type", Maker::u32(5))},
      {Code::Corrupt, "pooling_type", set("llama.pooling_type", Maker::u32(0xfffffffe))},
      {Code::Corrupt, "tokenizer.ggml.model", lack("tokenizer.ggml.model")},
      {Code::Corrupt, "tokenizer.ggml.tokens", lack("tokenizer.ggml.tokens")},
      {Code::Corrupt, "tokenizer.ggml.tokens", set("tokenizer.ggml.tokens", Maker::u32s({1, 2}))},
      {Code::Corrupt, "empty vocabulary", set("tokenizer.ggml.tokens", Maker::texts({}))},
      {Code::Corrupt, "token twice", set("tokenizer.ggml.tokens", Maker::texts({"a", "b", "a"}))},
      {Code::Corrupt, "token_type", set("tokenizer.ggml.token_type", Maker::u32s({1, 1, 1, 1}))},
      {Code::Corrupt, "bos_token_id", set("tokenizer.ggml.bos_token_id", Maker::u32(5))},
      {Code::Corrupt, "bos_token_id", set("tokenizer.ggml.tokens", Maker::texts({"a"}))},
  };
  for (const Case& bad : kCases) {
    SCOPED_TRACE(bad.says);
    Maker file = valid();
    bad.damage(file);
    const auto facts = parse_model_facts(file.bytes());
    ASSERT_FALSE(facts.ok());
    EXPECT_EQ(code_name(facts.error().code), std::string(code_name(bad.code)))
        << facts.error().message;
    EXPECT_THAT(facts.error().message, HasSubstr(bad.says));
    EXPECT_EQ(facts.error().message.find('\n'), std::string::npos);
  }
}

TEST(ModelFacts, EveryChangedByteOfTheHeaderIsSafe) {
  // Reads what it can; the point is that nothing crashes and answers stay inside their bounds.
  const std::string bytes = valid().bytes();
  for (std::size_t at = 0; at < valid().header().size(); ++at) {
    for (const int value : {0x00, 0x7f, 0x80, 0xff}) {
      std::string changed = bytes;
      changed[at] = static_cast<char>(value);
      const auto facts = parse_model_facts(changed);
      if (facts.ok()) {
        EXPECT_LE(facts.value().layers, 512u);
      }
    }
  }
}

TEST(ModelFacts, TensorTypesAreGgmls) {
  for (int id = 0; id < GGML_TYPE_COUNT + 4; ++id) {
    const bool known = id < GGML_TYPE_COUNT && ggml_blck_size(static_cast<ggml_type>(id)) > 0;
    const GgufTensorType* type = tensor_type(static_cast<std::uint32_t>(id));
    ASSERT_EQ(type != nullptr, known) << id;
    if (!known) continue;
    EXPECT_EQ(type->block_elements, ggml_blck_size(static_cast<ggml_type>(id))) << id;
    EXPECT_EQ(type->block_bytes, ggml_type_size(static_cast<ggml_type>(id))) << id;
  }
}

TEST(ModelFacts, OfAFile) {
  const auto path = std::filesystem::path(::testing::TempDir()) / "hearth_facts_test.gguf";
  Maker file = valid();
  file.remove("general.name");
  std::ofstream(path, std::ios::binary) << file.bytes();
  const auto facts = read_model_facts(path.string());
  ASSERT_TRUE(facts.ok()) << facts.error().message;
  EXPECT_EQ(facts.value().name, "hearth_facts_test");
  EXPECT_EQ(facts.value().parameters, parse_model_facts(file.bytes()).value().parameters);
  std::filesystem::remove(path);
  EXPECT_EQ(read_model_facts(path.string()).error().code, Code::NotFound);
  EXPECT_EQ(read_model_facts(::testing::TempDir()).error().code, Code::InvalidInput);
}

TEST(ModelFacts, LlamasOwnVocabulariesReadButAreNoModels) {
  for (const char* name : {"qwen2", "llama-spm", "bert-bge", "gemma-4", "nomic-bert-moe"}) {
    const auto facts =
        read_model_facts(std::string(HEARTH_LLAMA_SOURCE) + "/models/ggml-vocab-" + name + ".gguf");
    ASSERT_FALSE(facts.ok());
    EXPECT_THAT(facts.error().message, HasSubstr("no weights")) << name;
  }
}

TEST(MemoryNeeded, GrowsWithEachPart) {
  ModelFacts facts;
  facts.size_bytes = 1'000'000'000;
  facts.layers = 22;
  facts.heads = 32;
  facts.kv_heads = 4;
  facts.key_length = facts.value_length = 64;
  const std::uint64_t without = memory_needed_bytes(facts, 0, 2);
  EXPECT_GE(without, facts.size_bytes);
  EXPECT_EQ(memory_needed_bytes(facts, 1000, 2) - without, 1000u * 22 * 4 * 128 * 2);
  EXPECT_LT(memory_needed_bytes(facts, 1000, 34.0 / 32), memory_needed_bytes(facts, 1000, 2));
  facts.size_bytes = std::numeric_limits<std::uint64_t>::max();
  EXPECT_EQ(memory_needed_bytes(facts, 1000, 2), std::numeric_limits<std::uint64_t>::max());
}

}  // namespace
}  // namespace hearth::engine
