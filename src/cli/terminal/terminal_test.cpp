#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <condition_variable>
#include <filesystem>
#include <mutex>

#include "cli/terminal/interrupt.h"
#include "cli/terminal/line_editor.h"
#include "cli/terminal/progress.h"
#include "cli/terminal/style.h"
#include "cli/terminal/table.h"

namespace hearth::cli {
namespace {

TEST(Table, PadsByCharactersAndLeavesTheLastColumn) {
  Table table;
  table.add_row({"a", "bb", "c"});
  table.add_row({"größe", "b", "long last"});
  table.add_row({"", "x"});
  EXPECT_EQ(table.text(), "a      bb  c\ngröße  b   long last\n       x\n");
  EXPECT_EQ(Table().text(), "");
}

TEST(BytesText, Table) {
  struct Case {
    std::uint64_t bytes;
    const char* want;
  };
  const Case kCases[] = {
      {0, "0 B"},
      {1023, "1023 B"},
      {1024, "1.0 KiB"},
      {1048575, "1.0 MiB"},
      {1048576, "1.0 MiB"},
      {667'000'000, "636.1 MiB"},
      {1ULL << 40, "1.0 TiB"},
      {~0ULL, "16777216.0 TiB"},
  };
  for (const Case& c : kCases) EXPECT_EQ(bytes_text(c.bytes), c.want) << c.bytes;
}

TEST(CountText, Table) {
  struct Case {
    std::uint64_t count;
    const char* want;
  };
  const Case kCases[] = {
      {0, "0"},           {999, "999"},         {1'000, "1.0 k"},        {999'949, "999.9 k"},
      {999'950, "1.0 M"}, {5'800'000, "5.8 M"}, {999'950'000, "1.00 B"}, {1'100'048'384, "1.10 B"}};
  for (const Case& c : kCases) EXPECT_EQ(count_text(c.count), c.want) << c.count;
}

TEST(ElapsedText, Table) {
  struct Case {
    std::uint64_t seconds;
    const char* want;
  };
  const Case kCases[] = {{0, "0 s"},           {59, "59 s"},
                         {60, "1 min 0 s"},    {3'599, "59 min 59 s"},
                         {3'600, "1 h 0 min"}, {86'399, "23 h 59 min"},
                         {86'400, "1 d 0 h"},  {450'000, "5 d 5 h"}};
  for (const Case& c : kCases) EXPECT_EQ(elapsed_text(c.seconds), c.want) << c.seconds;
}

TEST(ProgressLine, Table) {
  struct Case {
    std::optional<double> fraction;
    std::size_t columns;
    const char* want;
  };
  const Case kCases[] = {
      {0.0, 80, "[>                       ]   0 % loading"},
      {0.5, 80, "[============>           ]  50 % loading"},
      {1.0, 80, "[========================] 100 % loading"},
      {-3.0, 80, "[>                       ]   0 % loading"},
      {7.0, 80, "[========================] 100 % loading"},
      {0.5, 10, "[========="},
      {std::nullopt, 80, "loading, 12 s"},
      {std::nullopt, 0, ""},
  };
  for (const Case& c : kCases)
    EXPECT_EQ(progress_line("loading", c.fraction, Millis(12'900), c.columns), c.want);
}

TEST(FractionIn, ReadsASentencesPercent) {
  EXPECT_EQ(fraction_in("loading, 42 %"), 0.42);
  EXPECT_EQ(fraction_in("7 %"), 0.07);
  EXPECT_EQ(fraction_in("model ember: loading, 100 % done"), 1.0);
  EXPECT_EQ(fraction_in("loading, 101 %"), std::nullopt);
  EXPECT_EQ(fraction_in("loading"), std::nullopt);
  EXPECT_EQ(fraction_in(" %"), std::nullopt);
  EXPECT_EQ(fraction_in("a %"), std::nullopt);
  EXPECT_EQ(fraction_in("99999999999999999999 %"), std::nullopt);
}

TEST(Printable, LetsNoControlSequenceThrough) {
  struct Case {
    std::string text, want;
  };
  const Case kCases[] = {
      {"plain\ttext\n", "plain\ttext\n"},
      {"größe 世界 🔥", "größe 世界 🔥"},
      {"\x1b[2J", "\xef\xbf\xbd[2J"},
      {"a\rb",
       "a\xef\xbf\xbd"
       "b"},
      {"\x07\x08\x7f", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
      {std::string("a\0b", 3),
       "a\xef\xbf\xbd"
       "b"},
      {"\xc2\x9b"
       "31m",
       "\xef\xbf\xbd"
       "31m"},                   // U+009B, CSI in one character
      {"\xc2\xa0", "\xc2\xa0"},  // U+00A0, the first that is no control
      {"\xc2", "\xc2"},
  };
  for (const Case& c : kCases) EXPECT_EQ(printable(c.text), c.want);
}

TEST(Style, ColoursOnlyWhenAsked) {
  EXPECT_EQ(Style{}.red("x"), "x");
  EXPECT_EQ(Style{.colour = true}.red("x"), "\033[31mx\033[0m");
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  EXPECT_FALSE(Style::of(ends[1]).colour);
  ::close(ends[0]);
  ::close(ends[1]);
}

/// Waits for the watcher thread to have asked for the stop.
bool stops(const std::stop_token& token) {
  std::mutex mutex;
  std::unique_lock lock(mutex);
  std::condition_variable_any nobody;
  nobody.wait_until(lock, token, Clock::now() + std::chrono::seconds(30), [] { return false; });
  return token.stop_requested();
}

TEST(Interrupt, TurnsASignalIntoAStop) {
  for (const int number : {SIGINT, SIGTERM, SIGINT}) {
    const Interrupt interrupt;
    EXPECT_EQ(interrupt.signal(), 0);
    EXPECT_FALSE(interrupt.token().stop_requested());
    ::raise(number);
    EXPECT_TRUE(stops(interrupt.token()));
    EXPECT_EQ(interrupt.signal(), number);
    EXPECT_EQ(interrupt.exit_status(), 128 + number);
  }
  const Interrupt quiet;  // an old signal is not a new one's
  EXPECT_EQ(quiet.signal(), 0);
  EXPECT_FALSE(quiet.token().stop_requested());
}

TEST(InterruptDeathTest, TheSecondSignalEndsTheProcess) {
  const auto twice = [] {
    const Interrupt interrupt;
    ::raise(SIGINT);
    ::raise(SIGINT);
  };
  EXPECT_EXIT(twice(), testing::KilledBySignal(SIGINT), "");
}

/// Standard input replaced by `text` while this lives.
class Typed {
 public:
  explicit Typed(const std::string& text) : saved_(::dup(STDIN_FILENO)) {
    std::string name = (std::filesystem::temp_directory_path() / "hearth-typed-XXXXXX").string();
    const int file = ::mkstemp(name.data());
    EXPECT_EQ(::write(file, text.data(), text.size()), static_cast<ssize_t>(text.size()));
    ::lseek(file, 0, SEEK_SET);
    ::dup2(file, STDIN_FILENO);
    ::close(file);
    ::unlink(name.c_str());
  }
  ~Typed() {
    ::dup2(saved_, STDIN_FILENO);
    ::close(saved_);
  }

 private:
  const int saved_;
};

TEST(LineEditor, WithoutATerminalGivesPlainLines) {
  const std::string longest(LineEditor::kLineBytesMax, 'x');
  const Typed typed("one\r\n\ntwo\n" + longest + "\n" + longest + "y\nlast");
  LineEditor editor("/nowhere/history");
  using Outcome = LineEditor::Outcome;
  const auto expect = [&](Outcome outcome, const std::string& text) {
    const auto input = editor.read("> ");
    EXPECT_EQ(input.outcome, outcome);
    EXPECT_EQ(input.text, text);
  };
  expect(Outcome::Line, "one");
  expect(Outcome::Line, "");
  expect(Outcome::Line, "two");
  expect(Outcome::Line, longest);
  expect(Outcome::TooLong, "");
  expect(Outcome::Line, "last");
  expect(Outcome::End, "");
  expect(Outcome::End, "");
}

}  // namespace
}  // namespace hearth::cli
