#include <algorithm>
#include <array>
#include <cstdio>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>

#include "app/oneshot.h"
#include "cli/bench/statistics.h"
#include "cli/context.h"
#include "cli/terminal/interrupt.h"
#include "cli/terminal/progress.h"
#include "cli/terminal/table.h"
#include "model/model.h"

namespace hearth::cli {
namespace {

constexpr const char* kFooter =
    R"(Measured as llama-bench does: random tokens, one warm-up, then the mean and standard
deviation of some repetitions, through a real engine process of its own with nothing
cached. "ppN" is reading a prompt of N tokens, "tgN" is writing N tokens after a prompt
of one. Stop a running daemon first: it takes cores.

Examples:
  hearth bench
  hearth bench --model ~/models/tinyllama.gguf --threads 2
  hearth bench -p 0 -n 256 -r 10 --json

Exit status: 0 measured, 1 failed, 2 wrong settings, 130 interrupted.)";

constexpr Millis kRunMax{3'600'000};         // of one measurement
constexpr std::uint32_t kChunkTokens = 512;  // as llama-bench computes prompts
constexpr std::uint32_t kContextSpare = 64;
constexpr std::uint64_t kSeed = 42;  // same tokens in every run

struct Options {
  std::uint32_t prompt_tokens = 512;
  std::uint32_t generated_tokens = 128;
  int repetitions = 5;
  bool as_json = false;
  std::uint32_t threads = 0;
};

struct Test {
  std::string name;
  std::uint32_t prompt_tokens;
  std::uint32_t generated_tokens;  // 0: only the prompt is measured
  std::vector<double> samples{};   // tokens/s
};

std::vector<Test> tests_of(const Options& options) {
  std::vector<Test> tests;
  if (options.prompt_tokens > 0)
    tests.push_back({"pp" + std::to_string(options.prompt_tokens), options.prompt_tokens, 0});
  if (options.generated_tokens > 0)
    tests.push_back({"tg" + std::to_string(options.generated_tokens), 1, options.generated_tokens});
  return tests;
}

/// The settings as a benchmark needs them: one conversation, prompts in llama-bench's chunks.
config::Config bench_config(config::Config config, const Options& options) {
  config.model.slots = 1;
  config.model.prefill_chunk_tokens = kChunkTokens;
  config.model.context_tokens =
      std::max(options.prompt_tokens, options.generated_tokens) + kContextSpare;
  config.model.request_timeout = config.model.token_timeout = kRunMax;
  if (options.threads > 0) config.model.threads = options.threads;
  return config;
}

chat::Request request_for(const Test& test, std::uint32_t vocabulary, std::mt19937_64& random) {
  std::uniform_int_distribution<chat::Token> any(0, static_cast<chat::Token>(vocabulary) - 1);
  chat::PlainTokens prompt;
  for (std::uint32_t i = 0; i < test.prompt_tokens; ++i) prompt.tokens.push_back(any(random));
  chat::Request request{.prompt = std::move(prompt)};
  request.sampling.temperature = 0;
  // The first token belongs to the prompt's time, so one more is asked for than is measured.
  request.tokens_max = test.generated_tokens + 1;
  request.cache_prompt = false;
  request.ignore_eos = true;
  return request;
}

/// Tokens a second of one run.
Result<double> measure(const Call& call, model::Model& model, const Test& test,
                       std::mt19937_64& random) {
  const auto limited = call.at_most(kRunMax);
  TRY(const model::Answer answer,
      model::generate(limited, model, request_for(test, model.facts().vocabulary, random)));
  const chat::Finished& finished = answer.finished;
  const bool reading = test.generated_tokens == 0;
  const double tokens =
      reading ? finished.usage.prompt_tokens : finished.usage.completion_tokens - 1.0;
  const double ms = reading ? finished.timings.prompt_ms : finished.timings.predicted_ms;
  if (tokens < 1 || ms <= 0)
    return Error{Code::Internal, "the engine reported no time for " + test.name};
  return tokens * 1'000.0 / ms;
}

Result<void> run_tests(const Call& call, model::Model& model, std::vector<Test>& tests,
                       int repetitions) {
  Progress progress;
  std::mt19937_64 random(kSeed);
  const double runs = static_cast<double>(tests.size()) * (repetitions + 1);
  double done = 0;
  for (Test& test : tests) {
    for (int i = -1; i < repetitions; ++i) {
      progress.show(i < 0 ? test.name + ", warming up" : test.name, done++ / runs);
      TRY(const double speed, measure(call, model, test, random));
      if (i >= 0) test.samples.push_back(speed);
    }
  }
  return ok();
}

nlohmann::ordered_json to_json(const engine::ModelFacts& facts, const std::string& model,
                               std::uint32_t threads, const std::vector<Test>& tests) {
  nlohmann::ordered_json out = {{"model", model},
                                {"quantization", facts.quantization},
                                {"size_bytes", facts.size_bytes},
                                {"parameters", facts.parameters},
                                {"threads", threads},
                                {"tests", nlohmann::ordered_json::array()}};
  for (const Test& test : tests) {
    const Statistics statistics = statistics_of(test.samples);
    out["tests"].push_back({{"test", test.name},
                            {"tokens_per_second", statistics.mean},
                            {"deviation", statistics.deviation},
                            {"samples", test.samples}});
  }
  return out;
}

std::string table_of(const engine::ModelFacts& facts, const std::string& model,
                     const std::vector<Test>& tests) {
  Table table;
  table.add_row({"MODEL", "SIZE", "PARAMETERS", "QUANTIZATION", "TEST", "TOKENS/S"});
  for (const Test& test : tests) {
    const Statistics statistics = statistics_of(test.samples);
    std::array<char, 64> speed{};
    std::snprintf(speed.data(), speed.size(), "%.2f ± %.2f", statistics.mean, statistics.deviation);
    table.add_row({model, bytes_text(facts.size_bytes), count_text(facts.parameters),
                   facts.quantization, test.name, speed.data()});
  }
  return table.text();
}

Result<std::unique_ptr<model::Model>> open_model(const Call& call, const config::Config& config,
                                                 metrics::Registry& metrics) {
  Progress progress;
  return app::open_oneshot(call, config, metrics, [&](const std::string& state) {
    progress.show(state, fraction_in(state));
  });
}

int bench(const Context& context, const Options& options) {
  const auto loaded = load_settings(context);
  if (!loaded.ok()) return fail_usage(loaded.error().message);
  std::vector<Test> tests = tests_of(options);
  if (tests.empty()) return fail_usage("nothing to measure: -p and -n are both 0");
  const config::Config config = bench_config(loaded.value().config, options);
  const Interrupt interrupt;
  const Call call = Call::within(std::chrono::hours(24), interrupt.token());
  metrics::Registry metrics;
  const auto model = open_model(call, config, metrics);
  if (interrupt.signal() != 0) return interrupt.exit_status();
  if (!model.ok()) return fail(model.error());
  const auto measured = run_tests(call, *model.value(), tests, options.repetitions);
  if (interrupt.signal() != 0) return interrupt.exit_status();
  if (!measured.ok()) return fail(measured.error());
  const engine::ModelFacts facts = model.value()->facts();
  const std::string& name = model.value()->name();
  std::cout << (options.as_json ? to_json(facts, name, config.model.threads, tests).dump(2) + "\n"
                                : table_of(facts, name, tests));
  return kDone;
}

}  // namespace

void add_bench_command(CLI::App& root, Context& context) {
  const auto options = std::make_shared<Options>();
  CLI::App* const command =
      add_command(root, context, "bench", "Measure how fast a model reads and writes", kFooter,
                  [&context, options] { return bench(context, *options); });
  add_model_option(*command, context);
  command
      ->add_option("-p,--prompt", options->prompt_tokens,
                   "Tokens to read; 0 leaves it out (default 512)")
      ->check(CLI::Range(0, 131'072).description(""))
      ->type_name("N");
  command
      ->add_option("-n,--generate", options->generated_tokens,
                   "Tokens to write; 0 leaves it out (default 128)")
      ->check(CLI::Range(0, 131'072).description(""))
      ->type_name("N");
  command->add_option("-r,--repetitions", options->repetitions, "Measurements of each (default 5)")
      ->check(CLI::Range(1, 1'000).description(""))
      ->type_name("N");
  command->add_option("--threads", options->threads, "Threads; 0 is as configured")
      ->check(CLI::Range(0, 1'024).description(""))
      ->type_name("N");
  command->add_flag("--json", options->as_json, "One JSON object, with every sample");
}

}  // namespace hearth::cli
