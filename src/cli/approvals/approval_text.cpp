#include "cli/approvals/approval_text.h"

#include <algorithm>
#include <cctype>

#include "base/utf8.h"
#include "cli/approvals/diff_text.h"
#include "cli/sessions/message_text.h"
#include "cli/terminal/visible.h"

namespace hearth::cli {
namespace {

using json = nlohmann::ordered_json;

/// On one line, whatever it holds.
std::string visible_line(std::string_view text) {
  std::string out;
  for (const char c : visible(text))
    out += c == '\n' ? "\\n" : c == '\t' ? "\\t" : std::string(1, c);
  return out;
}

std::string cut(std::string text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  const std::size_t kept = utf8_complete_bytes(std::string_view(text).substr(0, bytes_max));
  const std::size_t left = text.size() - kept;
  text.resize(kept);
  return text + "… (" + std::to_string(left) + " bytes more)";
}

std::string argument_text(const json& value) {
  if (value.is_string()) return visible_line(value.get<std::string>());
  return visible_line(value.dump(-1, ' ', false, json::error_handler_t::replace));
}

std::string arguments_text(const Approval& approval) {
  const std::size_t bytes_max =
      approval.preview.empty() ? kArgumentBytesMax : kArgumentBesideDiffBytesMax;
  const json arguments = json::parse(approval.arguments, nullptr, /*allow_exceptions=*/false);
  if (!arguments.is_object()) return "  " + cut(visible_line(approval.arguments), bytes_max) + "\n";
  std::size_t width = 0;
  for (const auto& [name, value] : arguments.items())
    width = std::max(width, visible_line(name).size());
  std::string out;
  for (const auto& [name, value] : arguments.items()) {
    std::string shown = visible_line(name);
    shown.resize(std::max(width, shown.size()), ' ');
    out += "  " + shown + "  " + cut(argument_text(value), bytes_max) + "\n";
  }
  return out;
}

std::string lower(std::string_view text) {
  std::string out;
  for (const char c : text)
    if (c != ' ' && c != '\t')
      out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

std::string rule_text(const Approval& approval) {
  return visible_line(approval.tool) + " on " + visible_line(approval.pattern());
}

}  // namespace

std::string approval_text(const Approval& approval, const Style& style) {
  return style.yellow("The assistant asks to use ") + style.bold(visible_line(approval.tool)) +
         (approval.target.empty()
              ? ""
              : style.yellow(" on ") + style.bold(visible_line(approval.target))) +
         "\n" + arguments_text(approval) + DiffText(style).of(approval.preview);
}

std::string choices_text(const Approval& approval, const Style& style) {
  std::string out = "  [y] allow this once\n";
  if (approval.may_be_learned()) {
    out += "  [s] allow in this session: " + rule_text(approval) + "\n";
    out += "  [a] allow always: " + rule_text(approval) + "\n";
  } else {
    out += style.dim("      (an answer holds once: the rules ask for this each time)") + "\n";
  }
  return out + "  [n] deny; so does Enter\n" +
         style.dim("Ctrl-C leaves it waiting, until " + time_text(approval.expires_s) + ".") + "\n";
}

std::string choices_prompt(const Approval& approval) {
  return approval.may_be_learned() ? "Allow? [y/s/a/N] " : "Allow? [y/N] ";
}

std::optional<Answer> answer_of(std::string_view typed, const Approval& approval) {
  const std::string word = lower(typed);
  if (word.empty() || word == "n" || word == "no") return Answer{};
  if (word == "y" || word == "yes") return Answer{.allow = true};
  if (!approval.may_be_learned()) return std::nullopt;
  const bool alike = !approval.alike_pattern.empty();
  if (word == "s") return Answer{true, Answer::Scope::Session, alike};
  if (word == "a") return Answer{true, Answer::Scope::Always, alike};
  return std::nullopt;
}

std::string notice_text(const Approval& approval, const std::string& options, const Style& style) {
  const std::string end = " " + approval.id + options;
  std::string out =
      approval_text(approval, style) +
      style.dim("It waits until " + time_text(approval.expires_s) + " for one of these commands:") +
      "\n" + "  hearth approvals allow" + end + "\n";
  if (approval.may_be_learned())
    out += "  hearth approvals allow" + end + " --scope session" +
           (approval.alike_pattern.empty() ? "" : " --pattern alike") +
           style.dim("  # or always: " + rule_text(approval)) + "\n";
  return out + "  hearth approvals deny" + end + "\n";
}

}  // namespace hearth::cli
