#include "cli/replay/replay_text.h"

#include <algorithm>
#include <charconv>

#include "base/fields.h"
#include "cli/terminal/style.h"

namespace hearth::cli {
namespace {

using json = nlohmann::ordered_json;

const char* verdict(bool same) { return same ? "the same" : "ANOTHER"; }

std::string answer_of(const agent::Remade& one) {
  const auto tokens = one.now.usage.completion_tokens;
  return "answer of " + std::to_string(tokens) + (tokens == 1 ? " token: " : " tokens: ") +
         verdict(is_same_answer(one));
}

std::string indented(const std::string& text) {
  std::string out = "    ";
  for (const char one : printable(text)) {
    out += one;
    if (one == '\n') out += "    ";
  }
  return out + "\n";
}

std::string difference_text(const agent::Difference& difference) {
  std::string text = "\nCall " + std::to_string(difference.round + 1) + ", " +
                     (difference.in_prompt ? "what the model read" : "what it answered");
  if (difference.token) text += ", at token " + std::to_string(*difference.token);
  return text + "\n  then:\n" + indented(difference.then) + "  now:\n" + indented(difference.now);
}

std::string outcome_text(const app::ReplayReport& report) {
  const agent::Replayed& replayed = report.replayed;
  if (replayed.is_same()) return "The same, bit by bit.\n";
  if (!report.difference) return "It ends before the recorded turn does.\n";
  std::string text = "Not the same.\n";
  if (!replayed.variance.empty() && report.changes.empty())
    text += "This model may compute other bits each time: " + printable(replayed.variance) + "\n";
  return text;
}

}  // namespace

Result<TurnName> read_turn_name(const std::string& text) {
  const std::size_t slash = text.rfind('/');
  const std::string number = slash == std::string::npos ? "" : text.substr(slash + 1);
  const bool is_number = !number.empty() && std::ranges::all_of(number, [](unsigned char one) {
    return one >= '0' && one <= '9';
  });
  if (!is_number) {
    if (text.empty()) return field_error("turn", "a session is required, or SESSION/TURN");
    return TurnName{text};
  }
  std::uint32_t turn = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), turn);
  if (error != std::errc() || slash == 0)
    return field_error("turn", "\"" + text + "\" is no SESSION/TURN");
  return TurnName{text.substr(0, slash), turn};
}

std::string replay_text(const app::ReplayReport& report, bool with_difference) {
  std::string text = "Turn " + std::to_string(report.turn) + " of " + report.session_id + ", " +
                     std::to_string(report.replayed.rounds_then) +
                     (report.replayed.rounds_then == 1 ? " call" : " calls") + " of the model\n";
  for (const agent::Remade& one : report.replayed.rounds)
    text += "  call " + std::to_string(one.then.number + 1) + ": prompt of " +
            std::to_string(one.now.usage.prompt_tokens) +
            " tokens: " + verdict(is_same_prompt(one)) + ", " + answer_of(one) + "\n";
  for (const std::string& change : report.changes) text += "  " + printable(change) + "\n";
  if (with_difference && report.difference) text += difference_text(*report.difference) + "\n";
  return text + outcome_text(report);
}

nlohmann::ordered_json replay_json(const app::ReplayReport& report) {
  json rounds = json::array();
  for (const agent::Remade& one : report.replayed.rounds)
    rounds.push_back({{"call", one.then.number + 1},
                      {"prompt_tokens", one.now.usage.prompt_tokens},
                      {"prompt_is_same", is_same_prompt(one)},
                      {"answer_is_same", is_same_answer(one)},
                      {"seed", one.then.seed},
                      {"build", one.then.build}});
  json out{{"session_id", report.session_id},
           {"turn", report.turn},
           {"is_same", report.replayed.is_same()},
           {"calls_then", report.replayed.rounds_then},
           {"calls", rounds},
           {"changes", report.changes},
           {"variance", report.replayed.variance}};
  if (!report.difference) return out;
  const agent::Difference& difference = *report.difference;
  out["difference"] = {{"call", difference.round + 1},
                       {"in", difference.in_prompt ? "prompt" : "answer"},
                       {"then", difference.then},
                       {"now", difference.now}};
  if (difference.token) out["difference"]["token"] = *difference.token;
  return out;
}

}  // namespace hearth::cli
