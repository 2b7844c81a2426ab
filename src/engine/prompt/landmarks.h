#pragma once
#include <optional>
#include <string>
#include <vector>

#include "chat/generation.h"
#include "engine/prompt/span_tokenizer.h"
#include "llama.h"

namespace hearth::engine {

/// A conversation with words in it that nobody can guess, by which places in its rendering are
/// found: where the answer that was seen last ends, and where the tail belongs. Immutable.
class Landmarks {
 public:
  enum class Use : bool { Messages, Seen };

  /// What a template shows before the first answer and nowhere else; see Rendering.
  struct Early {
    bool tools = false, instructions = false;
  };

  /// With Use::Seen the contents before the last message that was seen are left out: what is
  /// rendered of them is cut away. Of tools that are shown early a small one is left. Instructions
  /// that are shown late too are left out as a whole: the model has seen them.
  /// The conversation has passed check_conversation().
  Landmarks(const chat::Conversation& conversation, Use use, Early early);

  /// What has to be rendered.
  const chat::Conversation& conversation() const { return marked_; }

  struct Parts {
    MaskedText before{};  // the tail; everything if there is none
    MaskedText after{};
  };
  /// The rendering without landmarks, from what ends the last answer on that was seen. `ends`: how
  /// the tokens are spelled that end an answer. Nothing: the template has hidden a landmark, shows
  /// it twice, or ends answers without such a token.
  std::optional<Parts> split(const MaskedText& rendered,
                             const std::vector<std::string>& ends) const;

 private:
  void mark_seen(std::uint32_t messages, Early early);
  void mark_tail();

  chat::Conversation marked_;
  std::string seen_mark_{}, tail_mark_{};  // empty: there is no such place
};

/// The spellings of the tokens that end an answer.
std::vector<std::string> answer_ends(const llama_vocab* vocab);

}  // namespace hearth::engine
