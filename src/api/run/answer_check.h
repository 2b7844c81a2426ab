#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "chat/generation.h"
#include "chat/message.h"

namespace hearth::api {

/// What an answer breaks of the schemas that its request brought, for requests whose grammar could
/// not keep them (chat::Started::loosened). A schema with a keyword that tools::Schema does not
/// know, or of something that is no object, is not checked. A value; any thread.
class AnswerCheck {
 public:
  explicit AnswerCheck(const chat::Request& request);

  /// The first fault of each call, or of the text: "message.tool_calls[0].function.arguments.a: a
  /// whole number from 1 to 10 is required", "message.content.a: …", "text.a: …". `message` is
  /// whole, not cut by a limit.
  std::vector<std::string> violations(const chat::Message& message) const;

 private:
  std::map<std::string, std::string> tools_{};  // name, schema
  std::optional<std::string> format_{};         // schema
  std::string text_place_ = "message.content";  // of the answer, in a choice
};

}  // namespace hearth::api
