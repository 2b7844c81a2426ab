#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "chat/message.h"

namespace hearth::app {

/// A conversation written down as a test: messages in, what the model says, what shall come of it.
/// As JSON, in a file *.turn:
///
///   {"about": "A file is read",
///    "files": {"notes.txt": "buy milk"},
///    "says": [{"calls": [{"name": "read_file", "arguments": {"path": "notes.txt"}}]},
///             {"text": "Milk."}],
///    "turns": [{"message": "What do I need?", "decide": [],
///               "expect": ["user: What do I need?", "assistant calls read_file
///               {\"path\":\"notes.txt\"}", "tool read_file: buy milk", "assistant: Milk."],
///               "ends": "done"}],
///    "files_after": {"notes.txt": "buy milk"},
///    "rows": [{"sql": "SELECT state FROM effects", "gives": ["done"]}]}
///
/// Without "says" the configured model answers, greedily.
struct TurnScript {
  struct File {
    std::string path;
    std::optional<std::string> content{};  // absent: there is none
  };
  struct Turn {
    std::string message;
    std::vector<bool> decide{};  // what is said to questions, in order: allow or deny
    std::optional<std::vector<std::string>> expect{};  // lines; see transcript_lines()
    std::string ends = "done";                         // or "failed", "dropped", "running"
  };
  struct Rows {
    std::string sql;
    std::vector<std::string> gives{};  // a line for each row, columns apart by " | "
  };

  std::string about{};
  std::vector<File> files{};                         // of the workspace, before
  std::optional<std::vector<chat::Message>> says{};  // of the model, in order, over all turns
  std::vector<Turn> turns{};
  std::vector<File> files_after{};
  std::vector<Rows> rows{};
};

inline constexpr std::size_t kScriptBytesMax = std::size_t{4} << 20;
inline constexpr std::size_t kScriptPartsMax = 256;  // of any list in it

/// Errors: InvalidInput (with the field), TooLarge.
Result<TurnScript> read_turn_script(std::string_view text);

}  // namespace hearth::app
