#include <unistd.h>

#include <iostream>
#include <memory>

#include "app/outside.h"
#include "cli/context.h"
#include "cli/pull/pull_text.h"
#include "cli/terminal/interrupt.h"
#include "cli/terminal/progress.h"
#include "cli/terminal/style.h"
#include "cli/terminal/table.h"
#include "model/pull.h"

namespace hearth::cli {
namespace {

constexpr const char* kFooter =
    R"(MODEL is a name of the catalogue (`hearth model list`), hf:owner/repository/file.gguf, or the
URL of a GGUF file. It is downloaded into DIR/models, in parts at the same time, its SHA-256 is
compared with what the catalogue, the hub or --sha256 says, and its header is read. Stopped with
Ctrl-C, the next try goes on where it was. What the catalogue knows of its licence is told first.

Proxies are taken from HTTP_PROXY, HTTPS_PROXY and NO_PROXY, certificate authorities from
net.ca_file or SSL_CERT_FILE, other places to ask from models.mirrors. Models whose licence you
have to accept need your token in HF_TOKEN; it is shown to models.hub alone.

Examples:
  hearth pull qwen2.5-1.5b
  hearth pull hf:bartowski/Llama-3.2-1B-Instruct-GGUF/Llama-3.2-1B-Instruct-Q4_K_M.gguf
  hearth run --model $(hearth pull --quiet qwen2.5-0.5b) "Hello"

Exit status: 0 it is there (its path is printed), 1 not, 2 wrong command line or settings, 130
stopped with Ctrl-C.)";

constexpr Millis kPullMax{std::chrono::hours(24)};
constexpr int kRangesMax = 16;

struct Options {
  std::string model, sha256;
  int ranges = model::PullTuning{}.ranges;
  bool quiet = false;
};

/// Where models come from, with the token that people keep for it.
model::Hub hub_of(const config::Config& config, const config::Environment& environment) {
  model::Hub hub{.address = config.models.hub, .mirrors = config.models.mirrors};
  if (const auto token = environment.find("HF_TOKEN"); token != environment.end())
    hub.token = token->second;
  return hub;
}

model::OnPullProgress shower(Progress& progress, PullLines& lines, bool quiet) {
  if (quiet) return [](const model::PullProgress&) {};
  if (is_terminal(STDERR_FILENO))
    return [&progress](const model::PullProgress& now) {
      progress.show(pull_text(now), pull_fraction(now));
    };
  return [&lines](const model::PullProgress& now) {
    std::cerr << lines.next(now, Clock::now()) << std::flush;
  };
}

void tell(const model::Pulled& pulled, bool quiet) {
  if (!quiet && pulled.was_there) std::cerr << "It was there already.\n";
  if (!quiet && !pulled.was_there) {
    std::cerr << bytes_text(pulled.size_bytes) << ", SHA-256 " << pulled.sha256
              << (pulled.was_expected ? ", as expected" : "; nobody said which was to be expected")
              << "\n";
  }
  std::cout << pulled.path << "\n";
}

int pull(const Context& context, const Options& options) {
  const auto loaded = load_settings(context);
  if (!loaded.ok()) return fail_usage(loaded.error().message);
  const config::Config& config = loaded.value().config;
  const auto catalogue = model::Catalogue::load(config.data_dir + "/catalogue.json");
  if (!catalogue.ok()) return fail_usage(catalogue.error().message);
  const config::Environment environment = config::process_environment();
  const model::Hub hub = hub_of(config, environment);
  const auto source = model::pull_source(options.model, catalogue.value(), hub, options.sha256);
  if (!source.ok()) return fail_usage(source.error().message);
  const auto client = app::open_outside(config, environment);
  if (!client.ok()) return fail(client.error());
  if (!options.quiet) std::cerr << licence_text(catalogue.value().find(options.model)) << "\n";

  const Interrupt interrupt;
  const model::PullPlace place{.folder = config.data_dir + "/models",
                               .disk_bytes_max = config.models.disk_bytes_max};
  Progress progress;
  PullLines lines;
  const auto pulled =
      model::pull(Call::within(kPullMax, interrupt.token()), *client.value(), source.value(), place,
                  {.ranges = options.ranges}, shower(progress, lines, options.quiet));
  progress.clear();
  if (pulled.ok()) {
    tell(pulled.value(), options.quiet);
    return kDone;
  }
  const int status = fail(pulled.error());
  return interrupt.signal() != 0 ? interrupt.exit_status() : status;
}

}  // namespace

void add_pull_command(CLI::App& root, Context& context) {
  const auto options = std::make_shared<Options>();
  CLI::App* const command = add_command(root, context, "pull", "Download a model", kFooter,
                                        [&context, options] { return pull(context, *options); });
  command->add_option("MODEL", options->model, "A name, hf:owner/repository/file.gguf, or a URL")
      ->required();
  command->add_option("--sha256", options->sha256, "What the file's SHA-256 must be")
      ->type_name("HEX");
  command->add_option("--ranges", options->ranges, "Parts that come at a time, 1 to 16")
      ->check(CLI::Range(1, kRangesMax));
  command->add_flag("--quiet", options->quiet, "Only the path, on standard output");
}

}  // namespace hearth::cli
