#include <ctime>

#include "tools/builtin/make.h"

namespace hearth::tools {
namespace {

class TimeNow final : public Tool {
 public:
  explicit TimeNow(const TimeSource& time) : time_(time) {}
  std::string name() const override { return "time_now"; }
  std::string description() const override { return "The date and time, UTC and local."; }
  std::string parameters() const override {
    return R"({"type":"object","properties":{},"additionalProperties":false})";
  }
  policy::Effect effect() const override { return policy::Effect::Reads; }
  Result<Target> target(const Call&, const Json&, const Asker&) const override {
    return Target{.text = "time", .place = policy::Place::Memory};
  }
  Result<Outcome> run(const Call& call, const Job& job) const override;

 private:
  const TimeSource& time_;
};

std::string written(const std::tm& time, const char* format) {
  char text[64];
  return std::string(text, std::strftime(text, sizeof(text), format, &time));
}

Result<Outcome> TimeNow::run(const Call&, const Job&) const {
  const std::time_t now = unix_time<std::chrono::seconds>(time_);
  std::tm utc{}, local{};
  if (!::gmtime_r(&now, &utc) || !::localtime_r(&now, &local))
    return Error{Code::Unavailable, "the clock shows no time that can be written"};
  return Outcome{written(utc, "%A, %Y-%m-%d %H:%M:%S UTC") +
                 "; local: " + written(local, "%A, %Y-%m-%d %H:%M:%S %z")};
}

}  // namespace

std::unique_ptr<Tool> make_time_now(const TimeSource& time) {
  return std::make_unique<TimeNow>(time);
}

}  // namespace hearth::tools
