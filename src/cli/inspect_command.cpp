#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/context.h"
#include "cli/model_choice.h"
#include "cli/terminal/style.h"
#include "cli/terminal/table.h"

namespace hearth::cli {
namespace {

constexpr const char* kFooter =
    R"(Only the file's header is read, and checked; nothing is loaded. Memory is an estimate,
on the high side, for one conversation of the whole context (at most 8192 tokens) with
an f16 KV cache.

Examples:
  hearth inspect ~/models/qwen.gguf
  hearth inspect --json model.gguf | jq .context_tokens
  hearth inspect --template model.gguf       the chat template, as it is

Exit status: 0 a valid GGUF file, 1 not (one sentence says why), 2 wrong command line.)";

constexpr std::uint32_t kContextMax = 8'192;
constexpr double kF16Bytes = 2.0;

struct Options {
  std::string path;
  bool as_json = false;
  bool only_template = false;
};

std::uint64_t memory_needed(const engine::ModelFacts& facts) {
  return engine::memory_needed_bytes(facts, std::min(facts.context_tokens, kContextMax), kF16Bytes);
}

nlohmann::ordered_json to_json(const engine::ModelFacts& facts) {
  return {{"name", facts.name},
          {"architecture", facts.architecture},
          {"quantization", facts.quantization},
          {"size_bytes", facts.size_bytes},
          {"parameters", facts.parameters},
          {"tensors", facts.tensors},
          {"context_tokens", facts.context_tokens},
          {"embedding_length", facts.embedding_length},
          {"layers", facts.layers},
          {"heads", facts.heads},
          {"kv_heads", facts.kv_heads},
          {"key_length", facts.key_length},
          {"value_length", facts.value_length},
          {"vocabulary", facts.vocabulary},
          {"tokenizer", facts.tokenizer},
          {"chat_template", facts.chat_template},
          {"memory_needed_bytes", memory_needed(facts)}};
}

std::string table_of(const engine::ModelFacts& facts) {
  const auto number = [](auto value) { return std::to_string(value); };
  Table table;
  table.add_row({"name", facts.name});
  table.add_row({"architecture", facts.architecture});
  table.add_row({"quantization", facts.quantization});
  table.add_row({"size", bytes_text(facts.size_bytes)});
  table.add_row(
      {"parameters", count_text(facts.parameters) + " in " + number(facts.tensors) + " tensors"});
  table.add_row({"context", number(facts.context_tokens) + " tokens"});
  table.add_row({"layers", number(facts.layers)});
  table.add_row({"embedding", number(facts.embedding_length)});
  table.add_row({"heads", number(facts.heads) + ", " + number(facts.kv_heads) +
                              " for keys and values, " + number(facts.key_length) + " and " +
                              number(facts.value_length) + " wide"});
  table.add_row({"vocabulary", number(facts.vocabulary) + " tokens (" + facts.tokenizer + ")"});
  table.add_row({"chat template", facts.chat_template.empty()
                                      ? "none"
                                      : number(facts.chat_template.size()) + " bytes"});
  table.add_row({"memory", "about " + bytes_text(memory_needed(facts))});
  return table.text();
}

int inspect(const Options& options) {
  const auto facts = engine::read_model_facts(options.path);
  if (!facts.ok()) return fail(facts.error());
  // What a file says may hold control characters.
  const auto safe = [](const std::string& text) {
    return is_terminal(STDOUT_FILENO) ? printable(text) : text;
  };
  if (options.only_template) {
    std::cout << safe(facts.value().chat_template);
  } else if (options.as_json) {
    const auto replace = nlohmann::ordered_json::error_handler_t::replace;
    std::cout << to_json(facts.value()).dump(2, ' ', false, replace) << "\n";
  } else {
    std::cout << safe(table_of(facts.value()));
  }
  return kDone;
}

}  // namespace

void add_inspect_command(CLI::App& root, Context& context) {
  const auto options = std::make_shared<Options>();
  CLI::App* const command = add_command(root, context, "inspect", "Say what is in a GGUF file",
                                        kFooter, [options] { return inspect(*options); });
  command->add_option("file", options->path, "The GGUF file")->required()->type_name("FILE");
  command->add_flag("--json", options->as_json, "One JSON object, with the chat template");
  command->add_flag("--template", options->only_template, "Only the chat template");
}

}  // namespace hearth::cli
