#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/ask/daemon_client.h"
#include "cli/context.h"
#include "cli/sessions/visit.h"
#include "cli/terminal/table.h"
#include "policy/price.h"

namespace hearth::cli {
namespace {

using json = nlohmann::ordered_json;

constexpr const char* kFooter =
    R"(What calls of models took and cost, of this machine's models too, which cost nothing but
its time. Counted are answers that ended by themselves. Days are UTC's. What is shown is
that of whoever has the first of server.tokens; without tokens it is all. A daemon is
started if none runs.

Examples:
  hearth cost
  hearth cost --by day --days 7
  hearth cost --by session --json | jq '.data[0]'

Exit status: 0 shown, 1 no daemon could be started or reached, 2 wrong command line or
settings.)";

struct Options {
  std::string by = "model";
  int days = 30;
  bool as_json = false;
};

std::string seconds_text(std::uint64_t ms) {
  return std::to_string(ms / 1'000) + "." + std::to_string(ms % 1'000 / 100) + " s";
}

std::uint64_t number(const json& line, const char* name) {
  return line.value(name, std::uint64_t{0});
}

void print(const json& told, const std::string& by) {
  Table table;
  const std::string what = by == "model" ? "MODEL" : by == "session" ? "SESSION" : "DAY";
  table.add_row({what, "CALLS", "TOKENS IN", "OF THEM CACHED", "TOKENS OUT", "COMPUTED", "COST"});
  std::uint64_t sum = 0;
  for (const json& line : told["data"]) {
    const std::string key = line.value("key", "");
    const std::uint64_t cached = number(line, "cache_read_tokens");
    const std::uint64_t cost = number(line, "cost_microdollars");
    sum += cost;
    table.add_row(
        {key.empty() ? "(none)" : key, std::to_string(number(line, "calls")),
         std::to_string(number(line, "input_tokens") + cached + number(line, "cache_write_tokens")),
         std::to_string(cached), std::to_string(number(line, "output_tokens")),
         seconds_text(number(line, "computed_ms")),
         policy::dollars_text(static_cast<policy::MicroDollars>(cost))});
  }
  std::cout << table.text() << "in all "
            << policy::dollars_text(static_cast<policy::MicroDollars>(sum)) << "\n";
}

Result<int> cost(const Call& call, const DaemonClient& daemon, const Options& options) {
  const std::string target = "/v1/costs?by=" + options.by + "&days=" + std::to_string(options.days);
  TRY(const json told, daemon.send(call, "GET", target));
  if (options.as_json) {
    std::cout << dumped(told, 2) << "\n";
  } else {
    print(told, options.by);
  }
  return kDone;
}

}  // namespace

void add_cost_command(CLI::App& root, Context& context) {
  const auto options = std::make_shared<Options>();
  CLI::App* const command = add_command(
      root, context, "cost", "Show what answers took and cost", kFooter, [&context, options] {
        return with_daemon(context, kVisitMax,
                           [&](const Call& call, const config::Config&, const DaemonClient& daemon)
                               -> Result<int> { return cost(call, daemon, *options); });
      });
  command->add_option("--by", options->by, "model, session or day")
      ->check(CLI::IsMember({"model", "session", "day"}))
      ->type_name("WHAT");
  command->add_option("--days", options->days, "Today and the days before, 1 to 36500")
      ->check(CLI::Range(1, 36'500))
      ->type_name("N");
  command->add_flag("--json", options->as_json, "One JSON object");
}

}  // namespace hearth::cli
