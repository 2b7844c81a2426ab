#pragma once
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "dialect/exchange.h"

/// What all requests to providers are written from. A provider refuses a whole request for what a
/// local template passes over, so what it would refuse is mended here, and named.
namespace hearth::dialect {

/// One message as it is sent, and where it stood.
struct Turn {
  const chat::Message* said = nullptr;
  std::size_t index = 0;  // in Conversation::messages
  std::string path() const { return "messages[" + std::to_string(index) + "]"; }
};

/// The messages of a conversation, such that behind each message with calls stand their answers,
/// one each and in their order. An answer to nothing is left out, a call without one is answered
/// with an error, both lost. Behind the last user message stands the conversation's tail. Borrows
/// the conversation, which must outlive it.
class Talk {
 public:
  Talk(const chat::Conversation& talk, Lost& lost);
  const std::vector<Turn>& turns() const { return turns_; }
  /// The turn that the tail stands behind; turns().size(): there is no tail.
  std::size_t tail_turn() const { return tail_turn_; }

 private:
  void take_answers(const chat::Conversation& talk, std::size_t index, Lost& lost);
  void place_tail(const chat::Conversation& talk);
  std::vector<Turn> turns_{};
  std::deque<chat::Message> made_{};
  std::size_t tail_turn_ = 0;
};

/// A stretch of text, or an image.
struct Piece {
  std::string_view text{};
  const chat::Image* image = nullptr;
};
/// Text and images of a message in their order; no text is empty. Borrows the message.
std::vector<Piece> pieces_of(const chat::Message& message);
bool is_blank(std::string_view text);

/// Errors: those of chat::check_image(), with the field ("messages[2].images[0].data").
Result<void> check_images(const chat::Conversation& talk);
/// Names the images of a message that its reader cannot be shown.
void lose_images(const Turn& turn, Lost& lost, std::string_view why = "cannot be sent here");
/// The arguments of a call as an object. What is none is kept under "arguments", and lost.
Json arguments_of(const chat::ToolCall& call, const std::string& path, Lost& lost);
/// A tool's schema, one of an object.
Json schema_of(const chat::Tool& tool);
/// An id of [a-zA-Z0-9_-]{1,64}: as it is, or made from it, the same each time.
std::string plain_call_id(const std::string& id);
/// The same of 9 letters and digits, as Mistral wants them.
std::string short_call_id(const std::string& id);

/// What a provider can be told of how an answer is made.
struct Told {
  bool temperature = true, top_p = true, top_k = true;
  bool min_p = false, typical_p = false, repeat_penalty = false;
  bool penalties = false;  // presence and frequency
  bool seed = false;
};
/// Names what of a request a provider cannot be told, where it is asked for.
void lose_sampling(const chat::Request& request, const Told& told, Lost& lost);
/// A number as it was written: 0.7, not 0.699999988079071.
double number_of(float value);

/// The conversation of an ask. Errors: InvalidInput (a prompt that is none, or no message).
Result<const chat::Conversation*> conversation_of(const Ask& ask);

}  // namespace hearth::dialect
