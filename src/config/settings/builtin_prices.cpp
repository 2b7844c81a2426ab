#include "base/check.h"
#include "config/prices.h"

namespace hearth::config {
namespace {

// Without surcharges for very long prompts.

constexpr std::string_view kAnthropic = R"toml(date = "2025-11-24"
source = "https://www.anthropic.com/pricing"
[[price]]
model = "anthropic/claude-opus-4-5"
input = "5"
output = "25"
cache_read = "0.50"
cache_write = "6.25"
[[price]]
model = "anthropic/claude-opus-4-1"
input = "15"
output = "75"
cache_read = "1.50"
cache_write = "18.75"
[[price]]
model = "anthropic/claude-opus-4"
input = "15"
output = "75"
cache_read = "1.50"
cache_write = "18.75"
[[price]]
model = "anthropic/claude-sonnet-4-5"
input = "3"
output = "15"
cache_read = "0.30"
cache_write = "3.75"
[[price]]
model = "anthropic/claude-sonnet-4"
input = "3"
output = "15"
cache_read = "0.30"
cache_write = "3.75"
[[price]]
model = "anthropic/claude-3-7-sonnet"
input = "3"
output = "15"
cache_read = "0.30"
cache_write = "3.75"
[[price]]
model = "anthropic/claude-haiku-4-5"
input = "1"
output = "5"
cache_read = "0.10"
cache_write = "1.25"
[[price]]
model = "anthropic/claude-3-5-haiku"
input = "0.80"
output = "4"
cache_read = "0.08"
cache_write = "1"
[[price]]
model = "anthropic/claude-3-haiku"
input = "0.25"
output = "1.25"
cache_read = "0.03"
cache_write = "0.30"
)toml";

constexpr std::string_view kOpenai = R"toml(date = "2025-11-24"
source = "https://openai.com/api/pricing"
[[price]]
model = "openai/gpt-5"
input = "1.25"
output = "10"
cache_read = "0.125"
[[price]]
model = "openai/gpt-5-mini"
input = "0.25"
output = "2"
cache_read = "0.025"
[[price]]
model = "openai/gpt-5-nano"
input = "0.05"
output = "0.40"
cache_read = "0.005"
[[price]]
model = "openai/gpt-4.1"
input = "2"
output = "8"
cache_read = "0.50"
[[price]]
model = "openai/gpt-4.1-mini"
input = "0.40"
output = "1.60"
cache_read = "0.10"
[[price]]
model = "openai/gpt-4.1-nano"
input = "0.10"
output = "0.40"
cache_read = "0.025"
[[price]]
model = "openai/gpt-4o"
input = "2.50"
output = "10"
cache_read = "1.25"
[[price]]
model = "openai/gpt-4o-2024-05-13"
input = "5"
output = "15"
[[price]]
model = "openai/gpt-4o-mini"
input = "0.15"
output = "0.60"
cache_read = "0.075"
[[price]]
model = "openai/o3"
input = "2"
output = "8"
cache_read = "0.50"
[[price]]
model = "openai/o4-mini"
input = "1.10"
output = "4.40"
cache_read = "0.275"
)toml";

constexpr std::string_view kGemini = R"toml(date = "2025-11-24"
source = "https://ai.google.dev/pricing"
[[price]]
model = "gemini/gemini-2.5-pro"
input = "1.25"
output = "10"
cache_read = "0.31"
[[price]]
model = "gemini/gemini-2.5-flash"
input = "0.30"
output = "2.50"
cache_read = "0.075"
[[price]]
model = "gemini/gemini-2.5-flash-lite"
input = "0.10"
output = "0.40"
cache_read = "0.025"
)toml";

constexpr std::string_view kXai = R"toml(date = "2025-11-24"
source = "https://docs.x.ai/docs/models"
[[price]]
model = "xai/grok-4"
input = "3"
output = "15"
cache_read = "0.75"
[[price]]
model = "xai/grok-4-0709"
input = "3"
output = "15"
cache_read = "0.75"
[[price]]
model = "xai/grok-3"
input = "3"
output = "15"
cache_read = "0.75"
[[price]]
model = "xai/grok-3-mini"
input = "0.30"
output = "0.50"
cache_read = "0.075"
)toml";

constexpr std::string_view kMistral = R"toml(date = "2025-11-24"
source = "https://mistral.ai/pricing"
[[price]]
model = "mistral/mistral-large-latest"
input = "2"
output = "6"
[[price]]
model = "mistral/mistral-medium-latest"
input = "0.40"
output = "2"
[[price]]
model = "mistral/mistral-small-latest"
input = "0.10"
output = "0.30"
[[price]]
model = "mistral/codestral-latest"
input = "0.30"
output = "0.90"
)toml";

constexpr std::string_view kGroq = R"toml(date = "2025-11-24"
source = "https://groq.com/pricing"
[[price]]
model = "groq/llama-3.3-70b-versatile"
input = "0.59"
output = "0.79"
[[price]]
model = "groq/llama-3.1-8b-instant"
input = "0.05"
output = "0.08"
)toml";

struct Table {
  std::string_view text;
  bool has_dated = false;  // a name with a day behind it ("-20250929") is that model as of then
};
constexpr Table kTables[] = {{kAnthropic, true}, {kOpenai, true}, {kGemini}, {kXai},
                             {kMistral},         {kGroq}};

std::vector<PriceLine> read_all() {
  std::vector<PriceLine> all;
  for (const Table& table : kTables) {
    auto lines = parse_prices(table.text, "built in");
    HEARTH_CHECK(lines.ok(), "the price table that is built in can be read");
    for (PriceLine& line : lines.value()) {
      line.origin = "built in";
      all.push_back(line);
      line.model += "-20*";
      if (table.has_dated) all.push_back(std::move(line));
    }
  }
  return all;
}

}  // namespace

const std::vector<PriceLine>& builtin_prices() {
  static const std::vector<PriceLine> kAll = read_all();
  return kAll;
}

}  // namespace hearth::config
