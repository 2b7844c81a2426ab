#pragma once
#include <memory>
#include <string>

namespace hearth::cli {

/// Reads lines from standard input: on a terminal with editing (arrow keys, Ctrl-A, Ctrl-R …) and a
/// history kept in a file, otherwise as they come. One at a time in a process.
class LineEditor {
 public:
  static constexpr int kHistoryLinesMax = 1'000;
  static constexpr std::size_t kLineBytesMax = 1024 * 1024;

  /// `history_path`: read now, written (mode 0600) after each line; problems with it are ignored.
  explicit LineEditor(std::string history_path);
  ~LineEditor();
  LineEditor(const LineEditor&) = delete;
  LineEditor& operator=(const LineEditor&) = delete;

  enum class Outcome {
    Line,
    Cancelled,  // Ctrl-C: the line was given up
    TooLong,    // above kLineBytesMax; its rest was skipped
    End,        // Ctrl-D on an empty line, or the end of the input
  };
  struct Input {
    Outcome outcome = Outcome::End;
    std::string text{};  // without the line's end
  };
  /// No: the line is none that one wants to have again, such as a yes.
  enum class Remember : bool { No, Yes };
  Input read(const std::string& prompt, Remember remember = Remember::Yes);

 private:
  struct Editing;
  std::unique_ptr<Editing> editing_;  // null: plain lines
};

}  // namespace hearth::cli
