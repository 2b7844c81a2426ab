#include "context/static_zone.h"

#include <algorithm>

#include "vault/sha256.h"

namespace hearth::context {
namespace {

constexpr std::size_t kIdCharacters = 16;  // hexadecimal: 64 bits

std::string id_of(const std::vector<chat::Tool>& tools) {
  vault::Sha256 sum;
  for (const chat::Tool& tool : tools) {
    sum.add_part(tool.name);
    sum.add_part(tool.description);
    sum.add_part(tool.outline.empty() ? tool.parameters : tool.outline);
  }
  return sum.hex().substr(0, kIdCharacters);
}

}  // namespace

StaticZone::StaticZone(Parts parts)
    : instructions_(parts.instructions.empty() ? std::string(kInstructions)
                                               : std::move(parts.instructions)),
      tools_(std::move(parts.tools)),
      tools_id_(id_of(tools_)) {}

StaticZone StaticZone::as_recorded(std::string text, std::vector<chat::Tool> tools) {
  StaticZone zone({.instructions = std::move(text), .tools = std::move(tools)});
  zone.is_recorded_ = true;
  return zone;
}

std::string StaticZone::text(std::string_view own) const {
  if (is_recorded_) return instructions_;
  std::string text(own.empty() ? std::string_view(instructions_) : own);
  if (!tools_.empty()) text.append("\n\n").append(kRules);
  return text;
}

bool StaticZone::has_tool(std::string_view name) const {
  return std::ranges::any_of(tools_, [&](const chat::Tool& tool) { return tool.name == name; });
}

std::string prefix_id(const StaticZone& zone, std::string_view model,
                      std::string_view first_message, const std::vector<chat::Tool>& clients,
                      std::string_view summary) {
  vault::Sha256 sum;
  for (const std::string_view text : {model, first_message, summary}) sum.add_part(text);
  sum.add_part(id_of(clients));
  return zone.tools_id() + "-" + sum.hex().substr(0, kIdCharacters);
}

bool had_tools(const std::string& prefix_id, const StaticZone& zone) {
  return prefix_id.starts_with(zone.tools_id() + "-");
}

}  // namespace hearth::context
