#pragma once
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "engine/prompt/prompt_builder.h"
#include "llama-cpp.h"
#include "log.h"

/// For tests: the vocabularies and templates that llama.cpp ships with its own tests.
namespace hearth::engine::testing {

/// "qwen2", "llama-spm", …; loaded once. Null if this llama.cpp has no such file.
inline const llama_model* vocabulary(const std::string& name) {
  static std::map<std::string, llama_model_ptr> loaded;
  common_log_set_verbosity_thold(-1);
  llama_log_set([](ggml_log_level, const char*, void*) {}, nullptr);
  auto& model = loaded[name];
  if (!model) {
    llama_model_params params = llama_model_default_params();
    params.vocab_only = true;
    const std::string path =
        std::string(HEARTH_LLAMA_SOURCE) + "/models/ggml-vocab-" + name + ".gguf";
    model.reset(llama_model_load_from_file(path.c_str(), params));
  }
  return model.get();
}

/// The text of models/templates/<name>.jinja.
inline std::string chat_template(const std::string& name) {
  std::ifstream file(std::string(HEARTH_LLAMA_SOURCE) + "/models/templates/" + name + ".jinja");
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

inline std::vector<std::string> all_chat_templates() {
  std::vector<std::string> names;
  const std::string folder = std::string(HEARTH_LLAMA_SOURCE) + "/models/templates";
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".jinja") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

/// A conversation through every field of a request. `evil` goes where anything may stand.
inline chat::Conversation conversation_with(const std::string& evil) {
  const auto json = [](const std::string& text) {
    std::string quoted = "\"";
    for (const char c : text) {
      if (c == '"' || c == '\\') quoted += '\\';
      if (static_cast<unsigned char>(c) < 0x20) {
        char escape[8];
        std::snprintf(escape, sizeof(escape), "\\u%04x", c);
        quoted += escape;
      } else {
        quoted += c;
      }
    }
    return quoted + "\"";
  };
  chat::Conversation result;
  result.messages = {
      {.role = chat::Role::System, .content = "Rules. " + evil},
      {.role = chat::Role::User, .content = evil, .name = "ann" + evil.substr(0, 100)},
      {.role = chat::Role::Assistant,
       .content = "I look. " + evil,
       .reasoning = "thoughts " + evil,
       .tool_calls = {{.id = "abcde1234",
                       .name = "weather",
                       .arguments = "{\"city\": " + json(evil) + ", " + json("key " + evil) +
                                    ": [1, " + json(evil) + "]}"}}},
      {.role = chat::Role::Tool, .content = "result " + evil, .tool_call_id = "abcde1234"},
      {.role = chat::Role::Assistant, .content = evil + " done"},
      {.role = chat::Role::User, .content = evil + " and the end " + evil}};
  result.tools = {
      {"weather", "The weather. " + evil,
       "{\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\",\"description\":" +
           json(evil) + "},\"days\":{\"type\":\"integer\",\"title\":" + json(evil) +
           "}},\"required\":[\"city\"]}"},
      {"send", evil, "{\"type\":\"object\",\"properties\":{\"to\":{\"type\":\"string\"}}}"}};
  return result;
}

}  // namespace hearth::engine::testing
