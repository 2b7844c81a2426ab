#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "engine/prompt/span_tokenizer.h"

namespace hearth::engine {

/// Two words that nobody can guess, put around text before it goes through a template and looked
/// for afterwards: what lies between them came from a request.
class Markers {
 public:
  Markers();

  /// `text` between the markers, which stand inside its white space, so that a template that trims
  /// sees what it would have seen. Blank text stays as it is.
  std::string wrap(std::string_view text) const;

  /// The text without its markers. Nothing if they do not pair up: the template has cut the text.
  std::optional<MaskedText> strip(std::string_view marked) const;

 private:
  std::string open_, close_;
};

}  // namespace hearth::engine
