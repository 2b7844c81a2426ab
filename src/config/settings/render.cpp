#include "config/settings/sources.h"

namespace hearth::config {
namespace {

constexpr std::string_view kHeading =
    "# Settings of Hearth. Every line that starts with \"#\" and a name shows a default; remove "
    "the \"#\" to\n"
    "# change it. The environment (HEARTH_SERVER_PORT for server.port) and the command line win "
    "over this file.\n"
    "# `hearth config check` tests it, `hearth config show` prints what is in force and where it "
    "came from.\n";

constexpr std::string_view kRulesHelp =
    "\n# Rules about what tools may do, as many as are needed; docs/tools.md explains them. The "
    "strictest that\n"
    "# speaks of a call wins. Such as:\n"
    "# [[policy.rule]]\n"
    "# tool = \"write_file\"      # or \"*\": all\n"
    "# pattern = \"notes/**\"\n"
    "# kind = \"wildcard\"        # or exact, regex\n"
    "# decision = \"allow\"       # or ask, deny\n"
    "# expires = \"8h\"           # from the start of the program; without it: never\n";

constexpr std::string_view kPoolHelp =
    "\n# Further models, as many as are needed, that share pool.memory_bytes_max. What one does "
    "not "
    "say is as\n"
    "# [model] has it. With any here and no model.path, the first of them is the default model. "
    "Such "
    "as:\n"
    "# [[pool.model]]\n"
    "# name = \"qwen2.5-3b\"      # the id offered to clients\n"
    "# path = \"qwen.gguf\"       # without it: data_dir/models/NAME.gguf; Ember for \"ember\"\n"
    "# level = \"tactical\"       # or strategic: loaded when asked for; operational: at the "
    "start, and tried\n"
    "# idle_timeout = \"5m\"      # unused for so long, it is unloaded; 0s: it stays\n"
    "# pinned = false           # true, as operational ones are: never unloaded\n"
    "# context_tokens = 8192    # and all else of [model]\n";

constexpr std::string_view kProvidersHelp =
    "\n# Models of other machines, as many as are needed; requests name them NAME/MODEL, and those "
    "that are\n"
    "# listed may be chosen for \"auto\". docs/providers.md explains all. Such as:\n"
    "# [[provider]]\n"
    "# name = \"anthropic\"\n"
    "# kind = \"anthropic\"     # or openai, gemini, xai, mistral, groq, openrouter, "
    "llama-server,\n"
    "#                        # compatible; without it: as the name says\n"
    "# key_env = \"ANTHROPIC_API_KEY\"  # or key_file = \"anthropic.key\", mode 0600\n"
    "# models = [\"claude-opus-4-5\"]   # where much is needed\n"
    "# tactical_models = [\"claude-haiku-4-5\"]  # where less is, or money is short\n"
    "# url = \"http://10.0.0.7:8000/v1\"  # of one that is compatible; free = true if it costs "
    "nothing\n";

std::string rules_text(const Config& config) {
  std::string out;
  for (const Config::Rule& rule : config.policy.rules) {
    out += "\n[[policy.rule]]\nname = " + quoted(rule.name) + "\ntool = " + quoted(rule.tool) +
           "\nkind = " + quoted(rule.kind) + "\npattern = " + quoted(rule.pattern) +
           "\ndecision = " + quoted(rule.decision) + "\n";
    if (!rule.expires.empty()) out += "expires = " + quoted(rule.expires) + "\n";
  }
  return out;
}

std::string section_of(const Setting& setting) {
  const std::size_t dot = setting.name.find('.');
  return std::string(dot == std::string_view::npos ? "" : setting.name.substr(0, dot));
}

std::string key_of(const Setting& setting) {
  return std::string(setting.name.substr(setting.name.find('.') + 1));  // npos + 1 is 0
}

std::string comment_lines(std::string_view text) {
  std::string out = "# ";
  for (const char c : text) out += c == '\n' ? std::string("\n# ") : std::string(1, c);
  return out + "\n";
}

/// Calls `line` for each setting, with section headings in between.
template <class Line>
std::string by_section(const Line& line) {
  std::string out, section;
  for (const Setting& setting : settings()) {
    if (section_of(setting) != section) {
      section = section_of(setting);
      out += "\n[" + section + "]\n";
    }
    out += line(setting);
  }
  return out;
}

}  // namespace

std::string example_toml() {
  const Config defaults;
  return std::string(kHeading) + "\n" + by_section([&](const Setting& setting) {
           return comment_lines(setting.help) + "#" + key_of(setting) + " = " +
                  toml_text(setting, defaults) + "\n";
         }) +
         std::string(kPoolHelp) + std::string(kProvidersHelp) + std::string(kRulesHelp);
}

std::string show(const Loaded& loaded) {
  return by_section([&](const Setting& setting) {
           const auto origin = loaded.origins.find(std::string(setting.name));
           return key_of(setting) + " = " + toml_text(setting, loaded.config) + "  # " +
                  (origin == loaded.origins.end() ? "default" : origin->second) + "\n";
         }) +
         pool_models_text(loaded.config) + providers_text(loaded.config) +
         rules_text(loaded.config);
}

}  // namespace hearth::config
