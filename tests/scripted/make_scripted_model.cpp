// make_scripted_model BASE.gguf SCRIPT.json OUT.gguf
//
// Builds a model whose weights are constructed, not trained, so that greedy decoding says an exact
// script. It is a real llama-architecture model (RoPE attention, RMSNorm, SwiGLU, the tokenizer and
// chat template of BASE), so it goes through the whole engine, but its answer is known to the byte:
//
//   layer 0  attention head h looks exactly h+1 tokens back (the key's phase is shifted by that
//   many
//            RoPE steps) and copies that token's code into its own slot of the residual stream; the
//            last one looks further back if the script needs it, as when a call names what the
//            question named
//   layer 1  one SwiGLU neuron per n-gram of the script: it fires only if the last n tokens match,
//   and
//            writes the code of the next token
//   output   tied to the embedding: the largest dot product is the scripted token
//
// In any context that the script does not hold the next token is the end of the turn. A wrong
// position or a damaged KV cell breaks the match, and the test sees another answer.
//
// A script of one item {"echo": N, "mark": M, "reply": R} makes a model that calls what it is told
// to: it opens a call, repeats the message token by token until M, closes the call, and says R once
// it has read what came of it. What it repeats next stands N tokens before the last one, so the
// message must be filled up behind M until its first token is that far from the call's beginning.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <numbers>
#include <optional>
#include <random>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "ggml.h"
#include "gguf.h"
#include "llama.h"

namespace {

using Ids = std::vector<llama_token>;

constexpr int kCode = 96;                  // floats of a token's code, also the head size
constexpr int kHeads = 8;                  // how many tokens before the last one it sees
constexpr int kSlots = kHeads + 1;         // the token itself and those before it
constexpr int kFarMax = 64;                // how far back the last head may look
constexpr int kWidth = 896;                // the residual stream: kSlots codes, a constant, padding
constexpr int kConstant = kSlots * kCode;  // index of the component that is always 1
constexpr int kPairs = 24;                 // RoPE pairs used, the fastest ones
constexpr float kRopeBase = 10000.0f;
constexpr int kContext = 8192;
constexpr double kMarginNats = 34;  // how far the attended position stands out

[[noreturn]] void die(const std::string& why) {
  std::fprintf(stderr, "make_scripted_model: %s\n", why.c_str());
  std::exit(1);
}

struct Case {
  std::string prompt, reply;
  bool loops = false;  // the reply goes round for ever instead of ending the turn
};

std::vector<Case> read_script(const char* path) {
  std::ifstream file(path);
  const auto json = nlohmann::json::parse(file, nullptr, false);
  if (!json.is_array()) die(std::string(path) + " is not a JSON array");
  std::vector<Case> cases;
  for (const auto& item : json) {
    const std::string opening = item.contains("tool_response")
                                    ? "<|im_start|>user\n<tool_response>\n" +
                                          item["tool_response"].get<std::string>() +
                                          "\n</tool_response>"
                                    : "<|im_start|>user\n" + item["user"].get<std::string>();
    const bool loops = item.value("loops", false);
    cases.push_back({opening + "<|im_end|>\n<|im_start|>assistant\n",
                     item["reply"].get<std::string>() + (loops ? "" : "<|im_end|>"), loops});
  }
  return cases;
}

Ids tokenize(const llama_vocab* vocab, const std::string& text) {
  Ids ids(text.size() + 8);
  const int count =
      llama_tokenize(vocab, text.data(), static_cast<int>(text.size()), ids.data(),
                     static_cast<int>(ids.size()), /*add_special=*/false, /*parse_special=*/true);
  if (count < 0) die("cannot tokenize a case");
  ids.resize(static_cast<std::size_t>(count));
  return ids;
}

struct Rule {
  Ids context;  // the last tokens, oldest first
  llama_token next;
};

/// What is seen behind `count` tokens: the last kHeads of them and, in front, the one `far` back.
Ids seen_of(const Ids& ids, std::size_t count, std::size_t far) {
  const std::size_t from = count < kHeads ? 0 : count - kHeads;
  Ids seen(ids.begin() + static_cast<long>(from), ids.begin() + static_cast<long>(count));
  if (count > far) seen.insert(seen.begin(), ids[count - 1 - far]);
  return seen;
}

std::vector<Rule> steps_of(const llama_vocab* vocab, const std::vector<Case>& script,
                           std::size_t far) {
  std::vector<Rule> steps;
  for (const Case& c : script) {
    const Ids prompt = tokenize(vocab, c.prompt);
    const Ids whole = tokenize(vocab, c.prompt + c.reply);
    if (!std::equal(prompt.begin(), prompt.end(), whole.begin()))
      die("reply merges with the prompt: " + c.reply);
    for (std::size_t i = prompt.size(); i < whole.size(); ++i)
      steps.push_back({seen_of(whole, i, far), whole[i]});
  }
  return steps;
}

/// The shortest context for each step of the script that no other step contradicts; nothing if one
/// has none.
std::vector<Rule> shortest(const std::vector<Rule>& steps) {
  const auto suffix = [](const Ids& ids, std::size_t n) {
    return Ids(ids.end() - static_cast<long>(n), ids.end());
  };
  std::map<Ids, llama_token> rules;
  const auto covered = [&](const Ids& context, std::size_t below) {
    for (std::size_t n = 1; n < below; ++n)
      if (context.size() >= n && rules.contains(suffix(context, n))) return true;
    return false;
  };
  for (std::size_t n = 1; n <= kSlots; ++n) {
    std::map<Ids, std::set<llama_token>> seen;
    for (const Rule& step : steps)
      if (step.context.size() >= n) seen[suffix(step.context, n)].insert(step.next);
    for (const Rule& step : steps) {
      if (step.context.size() < n || covered(step.context, n)) continue;
      if (seen[suffix(step.context, n)].size() == 1) rules[suffix(step.context, n)] = step.next;
    }
  }
  std::vector<Rule> all;
  for (const Rule& step : steps)
    if (!covered(step.context, kSlots + 1)) return all;
  for (const auto& [context, next] : rules) all.push_back({context, next});
  return all;
}

struct Rules {
  std::vector<Rule> all;
  int far = kHeads;                   // how far back the last head looks
  std::optional<llama_token> mark{};  // echo: what it sees there, it says next, until it sees this
  llama_token behind_mark = 0;        // echo: what it says instead
};

Rules make_rules(const llama_vocab* vocab, const std::vector<Case>& script) {
  for (int far = kHeads; far <= kFarMax; ++far) {
    auto rules = shortest(steps_of(vocab, script, static_cast<std::size_t>(far)));
    if (!rules.empty()) return {std::move(rules), far};
  }
  die("ambiguous even after " + std::to_string(kSlots) + " tokens");
}

llama_token only_token(const llama_vocab* vocab, const std::string& text) {
  const Ids ids = tokenize(vocab, text);
  if (ids.size() != 1) die("more than one token: " + text);
  return ids[0];
}

/// Each token of `text` behind `opening`, of which it sees the last ones too.
void add_chain(std::vector<Rule>& rules, const llama_vocab* vocab, const std::string& opening,
               const std::string& text) {
  const Ids before = tokenize(vocab, opening), whole = tokenize(vocab, opening + text);
  for (std::size_t i = before.size(); i < whole.size(); ++i) {
    const std::size_t from = i < kHeads ? 0 : i - kHeads;
    rules.push_back(
        {{whole.begin() + static_cast<long>(from), whole.begin() + static_cast<long>(i)},
         whole[i]});
  }
}

/// Nothing: the script is no echo.
std::optional<Rules> echo_rules(const llama_vocab* vocab, const char* path) {
  std::ifstream file(path);
  const auto json = nlohmann::json::parse(file, nullptr, false);
  if (!json.is_array() || json.size() != 1 || !json[0].contains("echo")) return std::nullopt;
  const std::string answer = "<|im_end|>\n<|im_start|>assistant\n";
  Rules rules;
  rules.far = json[0]["echo"].get<int>();
  rules.mark = only_token(vocab, json[0]["mark"].get<std::string>());
  rules.behind_mark = only_token(vocab, "</tool_call>");
  add_chain(rules.all, vocab, answer, "<tool_call>\n");
  add_chain(rules.all, vocab, "</tool_call>", "<|im_end|>");
  // Longer, so that it outweighs the beginning of a call.
  add_chain(rules.all, vocab, "</tool_response>" + answer,
            json[0]["reply"].get<std::string>() + "<|im_end|>");
  return rules;
}

/// A random unit vector for every token, such that tokens of the script resemble no other token.
std::vector<float> make_codes(int vocabulary, const std::set<llama_token>& used) {
  std::mt19937 random(3);
  std::normal_distribution<float> normal;
  std::vector<float> codes(static_cast<std::size_t>(vocabulary) * kCode);
  const auto row = [&](int token) {
    return std::span(codes).subspan(static_cast<std::size_t>(token) * kCode, kCode);
  };
  const auto draw = [&](int token) {
    float sum = 0;
    for (float& value : row(token)) {
      value = normal(random);
      sum += value * value;
    }
    for (float& value : row(token)) value /= std::sqrt(sum);
  };
  const auto dot = [&](int a, int b) {
    float sum = 0;
    for (int i = 0; i < kCode; ++i)
      sum += row(a)[static_cast<std::size_t>(i)] * row(b)[static_cast<std::size_t>(i)];
    return sum;
  };
  for (int token = 0; token < vocabulary; ++token) draw(token);
  for (int round = 0; round < 200; ++round) {
    bool good = true;
    for (const llama_token token : used) {
      for (int other = 0; other < vocabulary; ++other) {
        if (other == token || std::abs(dot(token, other)) <= 0.45f) continue;
        draw(token);
        good = false;
        break;
      }
    }
    if (good) return codes;
  }
  die("no codes far enough apart");
}

struct Matrix {
  int rows, columns;
  std::vector<float> values;
  Matrix(int r, int c)
      : rows(r), columns(c), values(static_cast<std::size_t>(r) * static_cast<std::size_t>(c)) {}
  float& at(int r, int c) {
    return values[static_cast<std::size_t>(r) * static_cast<std::size_t>(columns) +
                  static_cast<std::size_t>(c)];
  }
};

struct Attention {
  Matrix q{kHeads * kCode, kWidth}, k{kHeads * kCode, kWidth}, v{kHeads * kCode, kWidth},
      o{kWidth, kHeads*kCode};
};

/// The last head looks `far` back.
Attention look_back(int far) {
  constexpr int kPairsOfHead = kCode / 2;
  const auto turn = [](int pair) {
    return std::pow(kRopeBase, -static_cast<float>(pair) / kPairsOfHead);
  };
  double second =
      0;  // the best score of any position but the wanted one; kPairs is the wanted one's
  for (int distance = 1; distance < kContext; ++distance) {
    double score = 0;
    for (int i = 0; i < kPairs; ++i) score += std::cos(static_cast<double>(distance) * turn(i));
    second = std::max(second, score);
  }
  const auto amplitude =
      static_cast<float>(std::sqrt(kMarginNats * std::sqrt(kCode) / (kPairs - second)));
  const float norm = std::sqrt(2.0f / kWidth);  // RMS of a code and the constant, undone here
  Attention a;
  for (int h = 0; h < kHeads; ++h) {
    const int distance = h + 1 < kHeads ? h + 1 : far;
    for (int i = 0; i < kPairs; ++i) {
      const float phase = static_cast<float>(distance) * turn(i);
      a.q.at(h * kCode + 2 * i, kConstant) = amplitude * norm;
      a.k.at(h * kCode + 2 * i, kConstant) = amplitude * norm * std::cos(phase);
      a.k.at(h * kCode + 2 * i + 1, kConstant) = amplitude * norm * std::sin(phase);
    }
    for (int i = 0; i < kCode; ++i) {
      a.v.at(h * kCode + i, i) = norm;
      a.o.at((h + 1) * kCode + i, h * kCode + i) = 1;
    }
  }
  return a;
}

struct FeedForward {
  Matrix gate, up, down;
};

/// What the last head sees, as it is, but for the mark. Weaker than any rule.
void follow_far(const Rules& rules, const std::vector<float>& codes, float norm, int neuron,
                FeedForward& f) {
  const auto code = [&](llama_token token, int i) {
    return codes[static_cast<std::size_t>(token) * kCode + static_cast<std::size_t>(i)];
  };
  for (int i = 0; i < kCode; ++i, ++neuron) {
    f.gate.at(neuron, kConstant) = 12 * norm;
    f.up.at(neuron, kHeads * kCode + i) = norm;
    f.down.at(i, neuron) = 0.8f;
  }
  for (int i = 0; i < kCode; ++i) {
    f.gate.at(neuron, kHeads * kCode + i) = 48 * norm * code(*rules.mark, i);
    f.down.at(i, neuron) = code(rules.behind_mark, i) * 2;
  }
  f.gate.at(neuron, kConstant) = -48 * norm * 0.75f;
  f.up.at(neuron, kConstant) = norm;
}

FeedForward follow_script(const Rules& from, const std::vector<float>& codes, llama_token end) {
  const std::vector<Rule>& rules = from.all;
  const int wanted = static_cast<int>(rules.size()) + 1 + (from.mark ? kCode + 1 : 0);
  const int neurons = std::max(256, (wanted + 255) / 256 * 256);
  const float norm = std::sqrt((kSlots + 1.0f) / kWidth);
  FeedForward f{Matrix(neurons, kWidth), Matrix(neurons, kWidth), Matrix(kWidth, neurons)};
  const auto code = [&](llama_token token, int i) {
    return codes[static_cast<std::size_t>(token) * kCode + static_cast<std::size_t>(i)];
  };
  int neuron = 0;
  for (const Rule& rule : rules) {
    const int n = static_cast<int>(rule.context.size());
    for (int back = 0; back < n; ++back)
      for (int i = 0; i < kCode; ++i)
        f.gate.at(neuron, back * kCode + i) =
            48 * norm * code(rule.context[static_cast<std::size_t>(n - 1 - back)], i);
    f.gate.at(neuron, kConstant) = -48 * norm * (static_cast<float>(n) - 0.25f);
    f.up.at(neuron, kConstant) = norm;
    // A longer match says more, so it outweighs the shorter ones inside it.
    for (int i = 0; i < kCode; ++i)
      f.down.at(i, neuron) = code(rule.next, i) * std::pow(2.0f, static_cast<float>(n) / 2);
    ++neuron;
  }
  f.gate.at(neuron, kConstant) = 12 * norm;  // weak and always on: end the turn
  f.up.at(neuron, kConstant) = norm;
  for (int i = 0; i < kCode; ++i) f.down.at(i, neuron) = code(end, i) * 0.3f;
  if (from.mark) follow_far(from, codes, norm, neuron + 1, f);
  return f;
}

class Writer {
 public:
  explicit Writer(const gguf_context* base) : out_(gguf_init_empty()) {
    ggml_init_params params{
        .mem_size = std::size_t{512} << 20, .mem_buffer = nullptr, .no_alloc = false};
    tensors_ = ggml_init(params);
    gguf_set_kv(out_, base);
  }
  void set(const char* key, std::uint32_t value) { gguf_set_val_u32(out_, key, value); }
  void set(const char* key, float value) { gguf_set_val_f32(out_, key, value); }
  void set(const char* key, const char* value) { gguf_set_val_str(out_, key, value); }
  void add(const std::string& name, const Matrix& matrix) {
    ggml_tensor* tensor = ggml_new_tensor_2d(tensors_, GGML_TYPE_F16, matrix.columns, matrix.rows);
    ggml_fp32_to_fp16_row(matrix.values.data(), static_cast<ggml_fp16_t*>(tensor->data),
                          static_cast<std::int64_t>(matrix.values.size()));
    finish(name, tensor);
  }
  void add_norm(const std::string& name, float value) {
    ggml_tensor* tensor = ggml_new_tensor_1d(tensors_, GGML_TYPE_F32, kWidth);
    std::fill_n(static_cast<float*>(tensor->data), kWidth, value);
    finish(name, tensor);
  }
  bool write(const char* path) { return gguf_write_to_file(out_, path, /*only_meta=*/false); }

 private:
  void finish(const std::string& name, ggml_tensor* tensor) {
    ggml_set_name(tensor, name.c_str());
    gguf_add_tensor(out_, tensor);
  }
  gguf_context* out_;
  ggml_context* tensors_;
};

void add_layer(Writer& out, int index, const Attention& attention, const FeedForward& feed) {
  const std::string block = "blk." + std::to_string(index) + ".";
  out.add_norm(block + "attn_norm.weight", 1);
  out.add_norm(block + "ffn_norm.weight", 1);
  out.add(block + "attn_q.weight", attention.q);
  out.add(block + "attn_k.weight", attention.k);
  out.add(block + "attn_v.weight", attention.v);
  out.add(block + "attn_output.weight", attention.o);
  out.add(block + "ffn_gate.weight", feed.gate);
  out.add(block + "ffn_up.weight", feed.up);
  out.add(block + "ffn_down.weight", feed.down);
}

void set_shape(Writer& out, int neurons, int vocabulary) {
  out.set("general.architecture", "llama");
  out.set("general.name", "scripted");
  out.set("general.file_type", std::uint32_t{1});
  out.set("llama.context_length", std::uint32_t{kContext});
  out.set("llama.embedding_length", std::uint32_t{kWidth});
  out.set("llama.block_count", std::uint32_t{2});
  out.set("llama.feed_forward_length", static_cast<std::uint32_t>(neurons));
  out.set("llama.attention.head_count", std::uint32_t{kHeads});
  out.set("llama.attention.head_count_kv", std::uint32_t{kHeads});
  out.set("llama.attention.key_length", std::uint32_t{kCode});
  out.set("llama.attention.value_length", std::uint32_t{kCode});
  out.set("llama.attention.layer_norm_rms_epsilon", 1e-6f);
  out.set("llama.rope.freq_base", kRopeBase);
  out.set("llama.rope.dimension_count", std::uint32_t{kCode});
  out.set("llama.vocab_size", static_cast<std::uint32_t>(vocabulary));
}

void build(const char* base_path, const char* script_path, const char* out_path) {
  llama_log_set([](ggml_log_level, const char*, void*) {}, nullptr);
  auto params = llama_model_default_params();
  params.vocab_only = true;
  llama_model* base = llama_model_load_from_file(base_path, params);
  if (!base) die(std::string("cannot read ") + base_path);
  const llama_vocab* vocab = llama_model_get_vocab(base);
  const int vocabulary = llama_vocab_n_tokens(vocab);
  const llama_token end =
      llama_vocab_eot(vocab) >= 0 ? llama_vocab_eot(vocab) : llama_vocab_eos(vocab);

  const auto echo = echo_rules(vocab, script_path);
  const Rules rules = echo ? *echo : make_rules(vocab, read_script(script_path));
  std::set<llama_token> used{end};
  if (rules.mark) used.insert({*rules.mark, rules.behind_mark});
  for (const Rule& rule : rules.all) {
    used.insert(rule.next);
    used.insert(rule.context.begin(), rule.context.end());
  }
  const auto codes = make_codes(vocabulary, used);
  Matrix embedding(vocabulary, kWidth);
  for (int token = 0; token < vocabulary; ++token) {
    std::copy_n(codes.begin() + token * kCode, kCode, &embedding.at(token, 0));
    embedding.at(token, kConstant) = 1;
  }
  const FeedForward script = follow_script(rules, codes, end);
  const FeedForward nothing{Matrix(script.gate.rows, kWidth), Matrix(script.gate.rows, kWidth),
                            Matrix(kWidth, script.gate.rows)};

  gguf_context* keys = gguf_init_from_file(base_path, {.no_alloc = true, .ctx = nullptr});
  Writer out(keys);
  set_shape(out, script.gate.rows, vocabulary);
  out.add("token_embd.weight", embedding);
  out.add_norm("output_norm.weight", 2);
  add_layer(out, 0, look_back(rules.far), nothing);
  add_layer(out, 1, Attention{}, script);
  if (!out.write(out_path)) die(std::string("cannot write ") + out_path);
  std::printf("%s: %zu rules\n", out_path, rules.all.size());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) die("usage: make_scripted_model BASE.gguf SCRIPT.json OUT.gguf");
  build(argv[1], argv[2], argv[3]);
  return 0;
}
