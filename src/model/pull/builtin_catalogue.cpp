#include "model/pull/builtin_catalogue.h"

namespace hearth::model {
namespace {

// Sizes are rounded. No hash is written here that was not computed from the file itself; the hub
// says those of its files.
constexpr std::string_view kJson = R"json({"models": [
  {"name": "tinyllama-1.1b", "title": "TinyLlama 1.1B Chat v1.0, Q4_K_M",
   "repository": "TheBloke/TinyLlama-1.1B-Chat-v1.0-GGUF",
   "file": "tinyllama-1.1b-chat-v1.0.Q4_K_M.gguf",
   "licence": "Apache-2.0",
   "size_bytes": 669000000, "memory_bytes": 1200000000},
  {"name": "qwen2.5-0.5b", "title": "Qwen2.5 0.5B Instruct, Q4_K_M",
   "repository": "Qwen/Qwen2.5-0.5B-Instruct-GGUF",
   "file": "qwen2.5-0.5b-instruct-q4_k_m.gguf",
   "licence": "Apache-2.0",
   "size_bytes": 491000000, "memory_bytes": 1000000000, "suggested_from_gib": 1},
  {"name": "qwen2.5-1.5b", "title": "Qwen2.5 1.5B Instruct, Q4_K_M",
   "repository": "Qwen/Qwen2.5-1.5B-Instruct-GGUF",
   "file": "qwen2.5-1.5b-instruct-q4_k_m.gguf",
   "licence": "Apache-2.0",
   "size_bytes": 1120000000, "memory_bytes": 2000000000, "suggested_from_gib": 8},
  {"name": "qwen2.5-3b", "title": "Qwen2.5 3B Instruct, Q4_K_M",
   "repository": "Qwen/Qwen2.5-3B-Instruct-GGUF",
   "file": "qwen2.5-3b-instruct-q4_k_m.gguf",
   "licence": "Qwen Research License (not for commercial use)",
   "size_bytes": 2100000000, "memory_bytes": 3000000000, "suggested_from_gib": 16},
  {"name": "qwen2.5-7b", "title": "Qwen2.5 7B Instruct, Q4_K_M",
   "repository": "bartowski/Qwen2.5-7B-Instruct-GGUF",
   "file": "Qwen2.5-7B-Instruct-Q4_K_M.gguf",
   "licence": "Apache-2.0",
   "size_bytes": 4680000000, "memory_bytes": 6000000000, "suggested_from_gib": 32},
  {"name": "qwen2.5-14b", "title": "Qwen2.5 14B Instruct, Q4_K_M",
   "repository": "bartowski/Qwen2.5-14B-Instruct-GGUF",
   "file": "Qwen2.5-14B-Instruct-Q4_K_M.gguf",
   "licence": "Apache-2.0",
   "size_bytes": 8990000000, "memory_bytes": 12000000000, "suggested_from_gib": 64},
  {"name": "llama-3.2-1b", "title": "Llama 3.2 1B Instruct, Q4_K_M",
   "repository": "bartowski/Llama-3.2-1B-Instruct-GGUF",
   "file": "Llama-3.2-1B-Instruct-Q4_K_M.gguf",
   "licence": "Llama 3.2 Community License",
   "size_bytes": 808000000, "memory_bytes": 1500000000},
  {"name": "llama-3.2-3b", "title": "Llama 3.2 3B Instruct, Q4_K_M",
   "repository": "bartowski/Llama-3.2-3B-Instruct-GGUF",
   "file": "Llama-3.2-3B-Instruct-Q4_K_M.gguf",
   "licence": "Llama 3.2 Community License",
   "size_bytes": 2020000000, "memory_bytes": 3500000000},
  {"name": "phi-3-mini", "title": "Phi-3 mini 4k Instruct, Q4_K_M",
   "repository": "microsoft/Phi-3-mini-4k-instruct-gguf",
   "file": "Phi-3-mini-4k-instruct-q4.gguf",
   "licence": "MIT",
   "size_bytes": 2390000000, "memory_bytes": 4500000000},
  {"name": "mistral-7b", "title": "Mistral 7B Instruct v0.2, Q4_K_M",
   "repository": "TheBloke/Mistral-7B-Instruct-v0.2-GGUF",
   "file": "mistral-7b-instruct-v0.2.Q4_K_M.gguf",
   "licence": "Apache-2.0",
   "size_bytes": 4370000000, "memory_bytes": 6500000000}
]}
)json";

}  // namespace

std::string_view builtin_catalogue_json() { return kJson; }

}  // namespace hearth::model
