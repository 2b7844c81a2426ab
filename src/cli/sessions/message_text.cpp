#include "cli/sessions/message_text.h"

#include <array>
#include <ctime>

#include "base/utf8.h"
#include "cli/ask/answer_fields.h"

namespace hearth::cli {
namespace {

using json = nlohmann::ordered_json;

struct Call {
  std::string name, arguments;
};

std::vector<Call> calls_in(const json& message) {
  std::vector<Call> calls;
  const auto all = message.find("tool_calls");
  if (all == message.end() || !all->is_array()) return calls;
  for (const json& one : *all) {
    if (!one.is_object() || !one.contains("function")) continue;
    const json& function = one["function"];
    calls.push_back({text_in(function, "name"), text_in(function, "arguments")});
  }
  return calls;
}

/// Who speaks. An answer is called as its model is.
std::string speaker(const json& message, const char* user, const char* assistant) {
  const std::string role = text_in(message, "role");
  if (role == "user") return user;
  if (role == "system") return "instructions";
  if (role == "tool") return "result";
  const std::string model = text_in(message, "model");
  return model.empty() ? assistant : model;
}

std::string indented(const std::string& text) {
  std::string out = "    ";
  for (const char c : text) {
    out += c;
    if (c == '\n') out += "    ";
  }
  return out;
}

std::string with_line_end(std::string text) {
  if (!text.empty() && text.back() != '\n') text += '\n';
  return text;
}

}  // namespace

std::string message_text(const json& message, const Style& style) {
  std::string out = style.bold(printable(speaker(message, "you", "assistant"))) + "\n";
  out += with_line_end(printable(text_in(message, "content")));
  for (const Call& call : calls_in(message))
    out += style.dim(printable("calls " + call.name + " " + call.arguments)) + "\n";
  return out;
}

std::string message_markdown(const json& message) {
  const std::string content = text_in(message, "content");
  std::string out = "## " + one_line(speaker(message, "You", "Assistant")) + "\n\n";
  if (!content.empty())
    out += with_line_end(text_in(message, "role") == "tool" ? indented(content) : content) + "\n";
  for (const Call& call : calls_in(message))
    out += "Calls:\n\n" + indented(call.name + " " + call.arguments) + "\n\n";
  return out;
}

std::string recall_text(const json& message) {
  std::string text = text_in(message, "content");
  const bool cut = text.size() > kRecallBytesMax;
  if (cut) text.resize(utf8_complete_bytes(std::string_view(text).substr(0, kRecallBytesMax)));
  if (cut) text += "…";
  return (text_in(message, "role") == "user" ? "> " : "") + printable(text);
}

std::string time_text(std::int64_t unix_seconds) {
  const std::time_t seconds = unix_seconds;
  std::tm parts{};
  std::array<char, 32> text{};
  if (!::localtime_r(&seconds, &parts)) return "?";
  const std::size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M", &parts);
  return {text.data(), size};
}

std::string one_line(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool blank = c == ' ' || c == '\t' || c == '\n' || c == '\r';
    if (!blank) {
      out += c;
    } else if (!out.empty() && out.back() != ' ') {
      out += ' ';
    }
  }
  if (!out.empty() && out.back() == ' ') out.pop_back();
  return printable(out);
}

}  // namespace hearth::cli
