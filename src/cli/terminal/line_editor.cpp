#include "cli/terminal/line_editor.h"

#include <fcntl.h>
#include <histedit.h>
#include <langinfo.h>
#include <unistd.h>

#include <cerrno>
#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "cli/terminal/style.h"

namespace hearth::cli {

namespace {

/// Editing needs to know where characters end. True if the locale, or the one that every glibc has,
/// is UTF-8.
bool use_utf8() {
  for (const char* name : {"", "C.UTF-8"})
    if (std::setlocale(LC_CTYPE, name) && std::strcmp(::nl_langinfo(CODESET), "UTF-8") == 0)
      return true;
  return false;
}

bool can_edit() {
  const char* const term = std::getenv("TERM");
  const bool dumb = !term || !*term || std::strcmp(term, "dumb") == 0;
  return !dumb && is_terminal(STDIN_FILENO) && is_terminal(STDOUT_FILENO) && use_utf8();
}

/// What libedit's callbacks need.
struct State {
  std::string prompt;
  bool cancelled = false;
};

State& state_of(EditLine* editor) {
  void* state = nullptr;
  ::el_get(editor, EL_CLIENTDATA, &state);
  return *static_cast<State*>(state);
}

char* prompt_of(EditLine* editor) { return state_of(editor).prompt.data(); }

/// Bound to Ctrl-C: ends the line as if it had been entered, with a note that it was not.
unsigned char cancel_line(EditLine* editor, int) {
  state_of(editor).cancelled = true;
  return CC_NEWLINE;
}

std::string without_line_end(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return text;
}

/// Reads a line from standard input byte by byte, so that nothing beyond it is taken.
LineEditor::Input read_plain_line() {
  LineEditor::Input input;
  bool any = false, too_long = false;
  for (;;) {
    char byte = 0;
    const ssize_t count = ::read(STDIN_FILENO, &byte, 1);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0 || byte == '\n') {
      any = any || count == 1;
      break;
    }
    any = true;
    too_long = too_long || input.text.size() == LineEditor::kLineBytesMax;
    if (!too_long) input.text += byte;
  }
  if (!any) return {};
  if (too_long) return {LineEditor::Outcome::TooLong, ""};
  return {LineEditor::Outcome::Line, without_line_end(std::move(input.text))};
}

}  // namespace

/// A terminal in libedit's hands.
struct LineEditor::Editing {
  explicit Editing(std::string path);
  ~Editing();
  Input read(const std::string& prompt, Remember remembers);
  void remember(const std::string& line);

  State state;
  const std::string history_path;
  History* const history = ::history_init();
  EditLine* const editor = ::el_init("hearth", stdin, stdout, stderr);
};

LineEditor::Editing::Editing(std::string path) : history_path(std::move(path)) {
  ::el_set(editor, EL_CLIENTDATA, &state);
  ::el_set(editor, EL_PROMPT, prompt_of);
  ::el_set(editor, EL_EDITOR, "emacs");
  // While a line is edited Ctrl-C is a key, not a signal.
  ::el_set(editor, EL_SETTY, "-d", "-isig", nullptr);
  ::el_set(editor, EL_ADDFN, "hearth-cancel", "gives up the line", cancel_line);
  ::el_set(editor, EL_BIND, "^C", "hearth-cancel", nullptr);
  ::el_set(editor, EL_BIND, "^R", "em-inc-search-prev", nullptr);
  HistEvent event{};
  ::history(history, &event, H_SETSIZE, kHistoryLinesMax);
  ::history(history, &event, H_SETUNIQUE, 1);
  ::history(history, &event, H_LOAD, history_path.c_str());
  ::el_set(editor, EL_HIST, ::history, history);
}

LineEditor::Editing::~Editing() {
  ::el_end(editor);
  ::history_end(history);
}

LineEditor::Input LineEditor::Editing::read(const std::string& prompt, Remember remembers) {
  state = {.prompt = prompt};
  int count = 0;
  const char* const line = ::el_gets(editor, &count);
  if (state.cancelled) {
    std::fputs("^C\n", stdout);  // libedit leaves the cursor behind the text
    return {Outcome::Cancelled, ""};
  }
  if (!line || count <= 0) return {Outcome::End, ""};
  if (static_cast<std::size_t>(count) > kLineBytesMax) return {Outcome::TooLong, ""};
  std::string text = without_line_end(std::string(line, static_cast<std::size_t>(count)));
  if (!text.empty() && remembers == Remember::Yes) remember(text);
  return {Outcome::Line, std::move(text)};
}

/// Written whole beside the old file, then renamed over it, so that a crash loses nothing.
void LineEditor::Editing::remember(const std::string& line) {
  HistEvent event{};
  ::history(history, &event, H_ENTER, line.c_str());
  const std::string next = history_path + ".new";
  const int fd = ::open(next.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return;
  ::close(fd);
  if (::history(history, &event, H_SAVE, next.c_str()) >= 0)
    ::rename(next.c_str(), history_path.c_str());
}

LineEditor::LineEditor(std::string history_path) {
  if (can_edit()) editing_ = std::make_unique<Editing>(std::move(history_path));
}

LineEditor::~LineEditor() = default;

LineEditor::Input LineEditor::read(const std::string& prompt, Remember remember) {
  if (editing_) return editing_->read(prompt, remember);
  if (is_terminal(STDIN_FILENO)) {
    std::fputs(prompt.c_str(), stdout);
    std::fflush(stdout);
  }
  return read_plain_line();
}

}  // namespace hearth::cli
