#include "app/script_run.h"

#include <condition_variable>
#include <filesystem>
#include <fstream>

#include "agent/sessions.h"
#include "app/assistant.h"
#include "app/replay.h"
#include "app/said_model.h"
#include "app/scratch.h"
#include "base/fields.h"
#include "store/inspect.h"

namespace hearth::app {
namespace {

constexpr const char* kOwner = "local";
constexpr const char* kSession = "script";
constexpr const char* kGreedily = R"({"temperature": 0})";

/// Noon of 1 January 2026, UTC.
class StandingClock final : public TimeSource {
 public:
  Clock::time_point now() const override { return Clock::now(); }
  std::chrono::system_clock::time_point wall() const override {
    return std::chrono::system_clock::from_time_t(1'767'268'800);
  }
};

/// Waits for the end of one answer.
class Waiter final : public model::EventSink {
 public:
  void on_event(const chat::Event& event) override {
    if (!chat::is_last(event)) return;
    MutexLock lock(mutex_);
    if (const auto* finished = std::get_if<chat::Finished>(&event))
      questions_ = finished->questions;
    ended_ = true;
    changed_.notify_all();
  }
  /// What somebody has to decide before the turn goes on. Errors: Timeout, Cancelled.
  Result<std::vector<chat::Question>> wait(const Call& call) {
    MutexLock lock(mutex_);
    const bool ended = changed_.wait_until(mutex_, call.stop, call.deadline,
                                           [this]() REQUIRES(mutex_) { return ended_; });
    if (ended) return questions_;
    return call.stop.stop_requested() ? Error{Code::Cancelled, "the script was stopped"}
                                      : Error{Code::Timeout, "the script did not end in time"};
  }

 private:
  Mutex mutex_;
  std::condition_variable_any changed_;
  bool ended_ GUARDED_BY(mutex_) = false;
  std::vector<chat::Question> questions_ GUARDED_BY(mutex_);
};

Result<void> put_files(const std::string& workspace, const std::vector<TurnScript::File>& files) {
  for (const TurnScript::File& file : files) {
    const std::filesystem::path path =
        std::filesystem::path(workspace) / std::filesystem::path(file.path).relative_path();
    const auto inside = std::filesystem::path(file.path).lexically_normal().string();
    if (inside.empty() || inside.starts_with("..") || inside.starts_with("/"))
      return field_error("files." + file.path, "a path inside the workspace is required");
    std::error_code error;
    std::filesystem::create_directories(path.parent_path(), error);
    std::ofstream out(path, std::ios::binary);
    out << file.content.value_or("");
    out.close();
    if (!out) return field_error("files." + file.path, "cannot be written");
  }
  return ok();
}

/// One conversation, from its first message to what is checked at the end.
class Stage {
 public:
  Stage(const config::Config& config, const TurnScript& script, model::Model* model)
      : config_(config), script_(script), says_(script.says.value_or(Answers())), model_(model) {
    if (script.says) model_ = &says_;
  }

  Result<ScriptRun> run(const Call& call) {
    TRY(scratch_, Scratch::make());
    TRY_VOID(put_files(scratch_->workspace(), script_.files));
    config_.data_dir = scratch_->data_dir();
    config_.tools.workspace = {scratch_->workspace()};
    TRY(assistant_, Assistant::open(config_, scratch_->store(), time_));
    {
      const auto find_model = [this](std::string_view) { return model_; };
      agent::Sessions sessions(
          turn_parts(config_, scratch_->store(), time_, find_model, assistant_.get()), {});
      for (const TurnScript::Turn& turn : script_.turns) TRY_VOID(play(call, sessions, turn));
    }
    for (std::size_t i = 0; i < script_.turns.size(); ++i) {
      TRY_VOID(check_turn(call, i));
      TRY_VOID(check_again(call, i));
    }
    check_files();
    TRY_VOID(check_rows(call));
    return std::move(run_);
  }

 private:
  using Answers = std::vector<chat::Message>;

  Result<void> play(const Call& call, agent::Sessions& sessions, const TurnScript::Turn& turn) {
    const agent::Submission said{.owner = kOwner,
                                 .session = kSession,
                                 .messages = {{.content = turn.message}},
                                 .request = kGreedily};
    TRY(const store::Session session, sessions.open(call, said));
    auto waiter = std::make_shared<Waiter>();
    TRY(auto listening, sessions.submit(call, session, said, waiter));
    for (const bool allow : turn.decide) {
      TRY(const auto questions, waiter->wait(call));
      if (questions.empty()) {
        fault("turns: \"" + turn.message + "\" decides what nobody asks");
        return ok();
      }
      waiter = std::make_shared<Waiter>();
      TRY(listening, sessions.decide(call, kOwner, questions.front().id,
                                     {{.allow = allow, .by = kOwner}}, waiter));
    }
    TRY_VOID(waiter->wait(call));
    return ok();
  }

  Result<void> check_turn(const Call& call, std::size_t number) {
    const TurnScript::Turn& turn = script_.turns[number];
    const std::string where = "turns[" + std::to_string(number) + "]";
    store::Sessions sessions(scratch_->store(), time_);
    store::Transcript transcript(scratch_->store(), time_);
    store::Inbox inbox(scratch_->store(), time_);
    TRY(const auto session, sessions.find_named(call, kOwner, kSession));
    const auto which = static_cast<std::uint32_t>(number);
    TRY(const auto entries, transcript.read_turn(call, session.id, which));
    run_.turns.push_back(transcript_lines(entries));
    if (turn.expect) compare(where + ".expect", *turn.expect, run_.turns.back());
    const auto message = inbox.of_turn(call, session.id, which);
    const std::string ended =
        message.ok() ? store::inbound_state_name(message.value().state) : "waiting";
    if (ended != turn.ends)
      fault(where + ".ends: expected \"" + turn.ends + "\", was \"" + ended + "\"" +
            (message.ok() ? " " + message.value().reason : ""));
    return ok();
  }

  /// From its journal, bit by bit.
  Result<void> check_again(const Call& call, std::size_t number) {
    const std::string where = "turns[" + std::to_string(number) + "]";
    says_.go_to(answers_before(number));
    const auto report = replay_turn(call, config_, scratch_->store(), *model_, kSession,
                                    static_cast<std::uint32_t>(number));
    if (!report.ok()) {
      if (report.error().code != Code::NotFound) fault(where + ": " + report.error().message);
      return ok();  // the model never answered in it
    }
    if (!report.value().replayed.is_same()) fault(where + ": made again, it is another turn");
    return ok();
  }

  std::size_t answers_before(std::size_t turn) const {
    std::size_t count = 0;
    for (std::size_t i = 0; i < turn; ++i)
      for (const std::string& line : run_.turns[i])
        if (line.starts_with("assistant: ")) ++count;
    return count;
  }

  void check_files() {
    for (const TurnScript::File& file : script_.files_after) {
      const auto path = std::filesystem::path(scratch_->workspace()) / file.path;
      std::ifstream in(path, std::ios::binary);
      const bool there = in.good();
      const std::string content((std::istreambuf_iterator<char>(in)), {});
      if (there != file.content.has_value())
        fault("files_after." + file.path + ": " + (there ? "is there" : "is not there"));
      if (there && file.content && content != *file.content)
        fault("files_after." + file.path + ": expected \"" + *file.content + "\", was \"" +
              content + "\"");
    }
  }

  Result<void> check_rows(const Call& call) {
    for (std::size_t i = 0; i < script_.rows.size(); ++i) {
      const std::string where = "rows[" + std::to_string(i) + "]";
      const auto got = store::rows_of(call, scratch_->store(), script_.rows[i].sql);
      if (!got.ok()) {
        fault(where + ".sql: " + got.error().message);
        continue;
      }
      compare(where + ".gives", script_.rows[i].gives, got.value());
    }
    return ok();
  }

  void compare(const std::string& where, const std::vector<std::string>& expected,
               const std::vector<std::string>& got) {
    for (std::size_t i = 0; i < std::max(expected.size(), got.size()); ++i) {
      const std::string a = i < expected.size() ? "\"" + expected[i] + "\"" : "nothing more";
      const std::string b = i < got.size() ? "\"" + got[i] + "\"" : "nothing more";
      if (a != b) return fault(where + "[" + std::to_string(i) + "]: expected " + a + ", was " + b);
    }
  }

  void fault(std::string text) { run_.faults.push_back(std::move(text)); }

  config::Config config_;
  const TurnScript& script_;
  const StandingClock time_{};
  SaidModel says_;
  model::Model* model_;
  std::unique_ptr<Scratch> scratch_{};
  std::unique_ptr<Assistant> assistant_{};
  ScriptRun run_{};
};

}  // namespace

std::vector<std::string> transcript_lines(const std::vector<store::Entry>& entries) {
  std::vector<std::string> lines;
  for (const store::Entry& entry : entries) {
    const chat::Message& said = entry.message;
    std::string who = chat::role_name(said.role);
    if (said.role == chat::Role::Tool) who += " " + said.name;
    lines.push_back(who + ": " + said.content);
    for (const chat::ToolCall& call : said.tool_calls)
      lines.push_back("assistant calls " + call.name + " " + call.arguments);
  }
  return lines;
}

Result<ScriptRun> run_script(const Call& call, const config::Config& config,
                             const TurnScript& script, model::Model* model) {
  if (!script.says && !model) return Error{Code::InvalidInput, "the script needs a model", "says"};
  return Stage(config, script, model).run(call);
}

}  // namespace hearth::app
