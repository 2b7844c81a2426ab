#include "dialect/parts/told.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "dialect/parts/asked.h"
#include "dialect/parts/lenient.h"

namespace hearth::dialect {
namespace {

/// FNV-1a. Source: www.isthe.com/chongo/tech/comp/fnv
std::uint64_t hash_of(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return hash;
}

std::string letters_of(std::uint64_t number, std::size_t count) {
  constexpr std::string_view kLetters =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
  std::string out;
  for (; out.size() < count; number /= kLetters.size()) out += kLetters[number % kLetters.size()];
  return out;
}

const chat::Message* answer_to(const chat::Conversation& talk, std::size_t call_index,
                               const std::string& id, std::size_t& found_index) {
  for (std::size_t i = call_index + 1; i < talk.messages.size(); ++i) {
    const chat::Message& message = talk.messages[i];
    if (message.role != chat::Role::Tool) break;
    found_index = i;
    if (message.tool_call_id == id) return &message;
  }
  return nullptr;
}

bool is_answered_before(const chat::Conversation& talk, std::size_t index) {
  const chat::Message& answer = talk.messages[index];
  std::size_t asked = index;
  while (asked > 0 && talk.messages[asked].role == chat::Role::Tool) --asked;
  if (std::any_of(talk.messages.begin() + static_cast<std::ptrdiff_t>(asked) + 1,
                  talk.messages.begin() + static_cast<std::ptrdiff_t>(index),
                  [&](const auto& m) { return m.tool_call_id == answer.tool_call_id; }))
    return false;  // the first one counts
  return std::ranges::any_of(talk.messages[asked].tool_calls,
                             [&](const auto& call) { return call.id == answer.tool_call_id; });
}

/// Back to where a character begins.
std::size_t character_begin(std::string_view text, std::size_t at) {
  while (at > 0 && at < text.size() && (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80) --at;
  return at;
}

}  // namespace

Talk::Talk(const chat::Conversation& talk, Lost& lost) {
  turns_.reserve(talk.messages.size() + 1);
  for (std::size_t i = 0; i < talk.messages.size(); ++i) {
    const chat::Message& message = talk.messages[i];
    const Turn turn{&message, i};
    if (message.role != chat::Role::Tool) {
      turns_.push_back(turn);
      take_answers(talk, i, lost);
    } else if (!is_answered_before(talk, i)) {
      lost.add(turn.path(), "answers no call before it and is left out");
    }
  }
  place_tail(talk);
}

void Talk::take_answers(const chat::Conversation& talk, std::size_t index, Lost& lost) {
  for (const chat::ToolCall& call : talk.messages[index].tool_calls) {
    std::size_t found_index = index;
    const chat::Message* answer = answer_to(talk, index, call.id, found_index);
    if (!answer) {
      lost.add(Turn{nullptr, index}.path() + ".tool_calls", "one has no answer; an error is sent");
      made_.push_back({.role = chat::Role::Tool,
                       .content = "error: this call was not run",
                       .tool_call_id = call.id,
                       .is_error = true});
      answer = &made_.back();
    }
    turns_.push_back({answer, found_index});
  }
}

void Talk::place_tail(const chat::Conversation& talk) {
  tail_turn_ = turns_.size();
  if (talk.tail.empty()) return;
  const auto last = std::find_if(turns_.rbegin(), turns_.rend(), [](const Turn& turn) {
    return turn.said->role == chat::Role::User;
  });
  if (last != turns_.rend()) {
    tail_turn_ = static_cast<std::size_t>(turns_.rend() - last) - 1;
    return;
  }
  made_.push_back({.role = chat::Role::User, .content = {}});
  turns_.push_back({&made_.back(), talk.messages.size()});
}

std::vector<Piece> pieces_of(const chat::Message& message) {
  std::vector<Piece> out;
  const std::string_view text = message.content;
  std::size_t begin = 0;
  for (const chat::Image& image : message.images) {
    const std::size_t at =
        character_begin(text, std::clamp<std::size_t>(image.at, begin, text.size()));
    if (at > begin) out.push_back({text.substr(begin, at - begin)});
    out.push_back({{}, &image});
    begin = std::max(begin, at);
  }
  if (begin < text.size()) out.push_back({text.substr(begin)});
  return out;
}

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n\v\f") == std::string_view::npos;
}

Result<void> check_images(const chat::Conversation& talk) {
  for (std::size_t i = 0; i < talk.messages.size(); ++i)
    for (std::size_t k = 0; k < talk.messages[i].images.size(); ++k)
      TRY_VOID(
          chat::check_image(talk.messages[i].images[k], item(item("messages", i) + ".images", k)));
  return ok();
}

void lose_images(const Turn& turn, Lost& lost, std::string_view why) {
  for (std::size_t i = 0; i < turn.said->images.size(); ++i)
    lost.add(item(turn.path() + ".images", i), why);
}

Json arguments_of(const chat::ToolCall& call, const std::string& path, Lost& lost) {
  if (call.arguments.empty()) return Json::object();
  auto arguments = parse_json(call.arguments, "arguments");
  if (arguments.ok() && arguments.value().is_object()) return std::move(arguments).value();
  lost.add(path + ".arguments", "are no JSON object and are sent as the text of one");
  return {{"arguments", call.arguments}};
}

Json schema_of(const chat::Tool& tool) {
  auto schema = parse_json(tool.parameters.empty() ? "{}" : tool.parameters, tool.name);
  Json out = schema.ok() && schema.value().is_object() ? std::move(schema).value() : Json::object();
  if (!out.contains("type")) out["type"] = "object";
  if (!out.contains("properties")) out["properties"] = Json::object();
  return out;
}

std::string plain_call_id(const std::string& id) {
  return is_function_name(id) ? id : "call_" + letters_of(hash_of(id), 11);
}

std::string short_call_id(const std::string& id) {
  constexpr std::size_t kLetters = 9;
  const bool fits =
      id.size() == kLetters && is_function_name(id) && id.find_first_of("_-") == std::string::npos;
  return fits ? id : letters_of(hash_of(id), kLetters);
}

void lose_sampling(const chat::Request& request, const Told& told, Lost& lost) {
  const chat::Sampling& asked = request.sampling;
  const chat::Sampling neutral;
  struct Row {
    const char* field;
    bool is_told, is_asked;
  };
  const std::array<Row, 13> kRows = {{
      {"temperature", told.temperature, asked.temperature != neutral.temperature},
      {"top_p", told.top_p, asked.top_p != neutral.top_p},
      {"top_k", told.top_k, asked.top_k != neutral.top_k},
      {"min_p", told.min_p, asked.min_p != neutral.min_p},
      {"typical_p", told.typical_p, asked.typical_p != neutral.typical_p},
      {"repeat_penalty", told.repeat_penalty, asked.repeat_penalty != neutral.repeat_penalty},
      {"presence_penalty", told.penalties, asked.presence_penalty != neutral.presence_penalty},
      {"frequency_penalty", told.penalties, asked.frequency_penalty != neutral.frequency_penalty},
      {"seed", told.seed, asked.seed.has_value()},
      {"logit_bias", false, !asked.logit_bias.empty()},  // tokens are numbers of one vocabulary
      {"top_logprobs", false, request.top_logprobs.has_value()},
      {"ignore_eos", false, request.ignore_eos},
      {"deterministic", false, request.deterministic},
  }};
  for (const Row& row : kRows)
    if (row.is_asked && !row.is_told) lost.add(row.field, "this provider cannot be asked for it");
}

double number_of(float value) {
  std::array<char, 32> text{};
  const auto written = std::to_chars(text.data(), text.data() + text.size(), value);
  double number = value;
  std::from_chars(text.data(), written.ptr, number);
  return number;
}

Result<const chat::Conversation*> conversation_of(const Ask& ask) {
  const auto* const talk = std::get_if<chat::Conversation>(&ask.request.prompt);
  if (!talk) return field_error("prompt", "a provider takes conversations only");
  if (talk->messages.empty()) return field_error("messages", "at least one message is required");
  return talk;
}

}  // namespace hearth::dialect
