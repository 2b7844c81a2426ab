#pragma once
#include <unistd.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "cli/chat/dialogue.h"
#include "cli/terminal/line_editor.h"
#include "cli/terminal/style.h"
#include "cli/workspace/workspace_choice.h"

namespace hearth::cli {

/// One conversation on standard input and output: what is typed, what is answered, what waits for a
/// yes. Between them nothing is printed that another could have written unseen. One in a process;
/// the opening must outlive it.
class Chat {
 public:
  Chat(std::unique_ptr<Dialogue> dialogue, const Opening& opening);

  void greet(const Call& call, const std::string& model, const std::string& url) const;
  /// Until the end of the input; the exit status. kWaiting: a call waits for a decision, and there
  /// is nobody here to ask.
  int talk();

 private:
  enum class Went : std::uint8_t { Answered, Failed, LeftWaiting };
  using Exchange = std::function<Result<Reply>(const Call& call, const Show& show)>;

  void tell(const std::string& note) const;
  void print(std::string_view text) const;
  /// False when the person wants to leave.
  bool obey(const std::string& command);
  Went answer(const std::string& text);
  Went settle_waiting();
  Went settle(Result<Reply> reply);
  Result<Reply> exchange(const Exchange& exchange) const;
  std::optional<Answer> ask_person(const Approval& approval);
  std::optional<Answer> read_answer(const Approval& approval);

  void show_help();
  void show_tools();
  void show_sessions();
  void undo();
  void clear();

  const std::unique_ptr<Dialogue> dialogue_;
  const Opening& opening_;
  const config::Config& config_;
  const bool interactive_ = is_terminal(STDIN_FILENO) && is_terminal(STDOUT_FILENO);
  const Style style_ = Style::of(STDOUT_FILENO);
  LineEditor editor_;
};

}  // namespace hearth::cli
