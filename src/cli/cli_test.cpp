#include "cli/cli.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "cli/bench/statistics.h"
#include "cli/daemon_start.h"
#include "cli/doctor/checks.h"
#include "cli/status/cores_text.h"
#include "cli/status/prometheus.h"

namespace hearth::cli {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

/// What a command printed and how it ended.
struct Outcome {
  int status;
  std::string out, err;
};

Outcome hearth(std::vector<std::string> arguments) {
  // Settings of whoever runs the tests are not ours.
  for (const auto& [name, value] : config::process_environment())
    if (name.starts_with("HEARTH_") || name == "HOST" || name == "PORT") ::unsetenv(name.c_str());
  arguments.insert(arguments.begin(), "hearth");
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  std::ostringstream out, err;
  auto* const real_out = std::cout.rdbuf(out.rdbuf());
  auto* const real_err = std::cerr.rdbuf(err.rdbuf());
  const int status = main(static_cast<int>(argv.size()), argv.data());
  std::cout.rdbuf(real_out);
  std::cerr.rdbuf(real_err);
  return {status, out.str(), err.str()};
}

class WithData : public testing::Test {
 protected:
  WithData() {
    std::string pattern = (fs::temp_directory_path() / "hearth-cli-XXXXXX").string();
    data_ = ::mkdtemp(pattern.data());
  }
  ~WithData() override { fs::remove_all(data_); }
  std::string data_;
};

constexpr const char* kCommands[] = {"run",   "chat",   "sessions", "approvals", "undo",
                                     "serve", "stop",   "status",   "models",    "inspect",
                                     "bench", "doctor", "config",   "version"};

TEST(Help, NamesEveryCommandAndTheExitStatuses) {
  const Outcome help = hearth({"--help"});
  EXPECT_EQ(help.status, 0);
  for (const char* command : kCommands)
    EXPECT_THAT(help.out, HasSubstr(std::string("\n  ") + command));
  EXPECT_THAT(help.out, HasSubstr("Exit status:"));
  EXPECT_THAT(help.out, testing::Not(HasSubstr("\n  engine")));
}

TEST(Help, OfEveryCommandHasExamples) {
  for (const char* command : kCommands) {
    const Outcome help = hearth({command, "--help"});
    EXPECT_EQ(help.status, 0) << command;
    EXPECT_THAT(help.out, HasSubstr("Example")) << command;
    EXPECT_EQ(help.err, "");
  }
}

TEST(Usage, MistakesEndWithStatus2AndAreExplained) {
  const std::vector<std::vector<std::string>> kCases = {
      {"servee"},
      {"run", "--no-such-option"},
      {"serve", "--port", "65536"},
      {"serve", "--port", "x"},
      {"run", "--temperature", "2.5", "hi"},
      {"run", "--max-tokens", "0", "hi"},
      {"bench", "-r", "0"},
      {"inspect"},
      {"config"},
      {"config", "shw"},
      {"--log-level", "loud", "version"},
      {"bench", "-p", "0", "-n", "0"},
      {"sessions"},
      {"sessions", "show"},
      {"sessions", "search"},
      {"sessions", "search", "-n", "51", "word"},
      {"sessions", "export", "work", "--format", "xml"},
      {"run", "--session", "", "hi"},
      {"run", "--session", "work", "--model", "/x.gguf", "hi"},
      {"chat", "--session", ""},
      {"chat", "--session", "work", "--continue"},
      {"chat", "--session", "work", "--private"},
      {"chat", "--workspace", "/"},
      {"chat", "--workspace", "/no/such/folder"},
      {"chat", "--workspace", "/tmp", "--no-tools"},
      {"chat", "--workspace", "/tmp", "--workspace", "/"},
      {"chat", "--workspace", "/tmp", "word"},
      {"run", "--no-tools", "hi"},
      {"serve", "--workspace", "/"},
      {"approvals"},
      {"approvals", "allow"},
      {"approvals", "allow", "appr_1", "--scope", "twice"},
      {"approvals", "deny", "appr_1", "--pattern", "all"},
      {"undo", "x"},
  };
  for (const auto& arguments : kCases) {
    const Outcome outcome = hearth(arguments);
    EXPECT_EQ(outcome.status, 2) << testing::PrintToString(arguments);
    EXPECT_NE(outcome.err, "") << testing::PrintToString(arguments);
    EXPECT_EQ(outcome.out, "");
  }
}

TEST_F(WithData, ConfigInitWritesOnceForTheOwnerOnly) {
  EXPECT_EQ(hearth({"config", "init", "--data", data_ + "/new"}).status, 0);
  const fs::path file = data_ + "/new/hearth.toml";
  EXPECT_EQ(fs::status(file).permissions(), fs::perms::owner_read | fs::perms::owner_write);
  const Outcome again = hearth({"config", "init", "--data", data_ + "/new"});
  EXPECT_EQ(again.status, 1);
  EXPECT_THAT(again.err, HasSubstr("exists already"));
  EXPECT_EQ(hearth({"--data", data_ + "/new", "config", "check"}).status, 0);
}

TEST_F(WithData, ConfigCheckReadsTheRules) {
  std::ofstream(data_ + "/hearth.toml")
      << "[[policy.rule]]\ntool = \"*\"\nkind = \"regex\"\npattern = \"a(b\"\ndecision = \"ask\"\n"
         "[[policy.rule]]\ntool = \"*\"\npattern = \"a\\\\\"\ndecision = \"ask\"\n"
         "[[policy.rule]]\ntool = \"*\"\npattern = \"**\"\ndecision = \"ask\"\nexpires = \"8h\"\n";
  const Outcome check = hearth({"--data", data_, "config", "check"});
  EXPECT_EQ(check.status, 2);
  EXPECT_THAT(check.err, HasSubstr(data_ + "/hearth.toml:1: policy.rule: rule \"hearth.toml:1\""));
  EXPECT_THAT(check.err, HasSubstr(data_ + "/hearth.toml:6: "));
  EXPECT_THAT(check.err, testing::Not(HasSubstr("hearth.toml:10")));
}

TEST_F(WithData, ConfigShowTellsOrigins) {
  const Outcome shown = hearth({"config", "show", "--data", data_});
  EXPECT_EQ(shown.status, 0);
  EXPECT_THAT(shown.out, HasSubstr("data_dir = \"" + data_ + "\"  # --data"));
  EXPECT_THAT(shown.out, HasSubstr("port = "));
}

TEST_F(WithData, WithoutADaemonStatusSaysSoAndStopIsDone) {
  EXPECT_EQ(hearth({"status", "--data", data_}).status, 1);
  EXPECT_THAT(hearth({"status", "--json", "--data", data_}).out, HasSubstr("\"running\": false"));
  const Outcome stopped = hearth({"stop", "--data", data_});
  EXPECT_EQ(stopped.status, 0);
  EXPECT_THAT(stopped.out, HasSubstr("no daemon was running"));
}

TEST_F(WithData, InspectRefusesWhatIsNoModelWithOneSentence) {
  const Outcome outcome = hearth({"inspect", data_ + "/absent.gguf"});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.err, HasSubstr("absent.gguf"));
  EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1);
}

TEST(ServeArguments, GiveTheDaemonWhatThisCommandWasGiven) {
  config::Overrides overrides;
  config::Config config;
  config.data_dir = "/data";
  config.model.path = "/models/a.gguf";
  EXPECT_THAT(serve_arguments(overrides, config), testing::ElementsAre("--data", "/data"));
  overrides.config_file = "x.toml";
  overrides.host = "::1";
  overrides.port = std::uint16_t{0};
  overrides.model_path = "models/a.gguf";
  overrides.log_level = "debug";
  EXPECT_THAT(serve_arguments(overrides, config),
              testing::ElementsAre("--data", "/data", "--config", fs::absolute("x.toml").string(),
                                   "--host", "::1", "--port", "0", "--model", "/models/a.gguf",
                                   "--log-level", "debug"));
}

TEST(Metrics, SumsSeriesOfOneName) {
  const Metrics metrics(
      "# HELP hearth_x_total Things.\n# TYPE hearth_x_total counter\nhearth_x_total{a=\"1 2\"} 3\n"
      "hearth_x_total{a=\"2\"} 4.5\nhearth_x_total_more 100\nhearth_y 1e3\nbad\nhearth_z NaN\nlast "
      "2");
  EXPECT_EQ(metrics.sum("hearth_x_total"), 7.5);
  EXPECT_EQ(metrics.sum("hearth_y"), 1000);
  EXPECT_EQ(metrics.sum("hearth_z"), 0);
  EXPECT_EQ(metrics.sum("last"), 2);
  EXPECT_EQ(metrics.sum("absent"), 0);
}

TEST(Metrics, FindsALabel) {
  const Metrics metrics(
      "a{model=\"m\",by=\"x\"} 0\na{model=\"m\",by=\"y\"} 1\nb 1\nc{by=\"z\"} 0\n");
  EXPECT_EQ(metrics.label("a", "by"), "y");
  EXPECT_EQ(metrics.label("a", "model"), "m");
  EXPECT_EQ(metrics.label("a", "absent"), "");
  EXPECT_EQ(metrics.label("b", "by"), "");
  EXPECT_EQ(metrics.label("c", "by"), "");
}

TEST(CoresText, SaysHowManyAndWhy) {
  struct Case {
    const char* metrics;
    const char* want;
  };
  const std::string shares = "hearth_engine_shares_cores 1\n";
  const Case kCases[] = {
      {"", ""},
      {"hearth_engine_cores 2\nhearth_engine_threads 2\n", "2 of 2 cores"},
      {"hearth_engine_cores 1\nhearth_engine_threads 1\n", "1 of 1 core"},
      {"hearth_engine_cores 2\nhearth_engine_threads 1\nhearth_engine_neighbour_cores 0.94\n"
       "hearth_engine_threads_limit{by=\"neighbours\"} 1\n",
       "1 of 2 cores: other programs use 0.9"},
      {"hearth_engine_cores 4\nhearth_engine_threads 2\nhearth_engine_sharers 2\n"
       "hearth_engine_threads_limit{by=\"engines\"} 1\n",
       "2 of 4 cores: 2 engines compute"},
      {"hearth_engine_cores 4\nhearth_engine_threads 3\n"
       "hearth_engine_threads_limit{by=\"fixed\"} 1\n",
       "3 of 4 cores: fixed by model.threads"},
      {"hearth_engine_cores 4\nhearth_engine_threads 1\n"
       "hearth_engine_threads_limit{by=\"tiny_model\"} 1\n",
       "1 of 4 cores: more would slow down so small a model"},
  };
  for (const Case& c : kCases)
    EXPECT_EQ(cores_text(Metrics(c.metrics + (*c.metrics ? shares : ""))), c.want) << c.metrics;
  EXPECT_EQ(cores_text(Metrics("hearth_engine_cores 2\nhearth_engine_threads 2\n")),
            "2 of 2 cores; cannot share with other engines");
}

TEST(Statistics, MeanAndSampleDeviation) {
  EXPECT_EQ(statistics_of({}).mean, 0);
  EXPECT_EQ(statistics_of({5}).mean, 5);
  EXPECT_EQ(statistics_of({5}).deviation, 0);
  EXPECT_DOUBLE_EQ(statistics_of({2, 4, 4, 4, 5, 5, 7, 9}).mean, 5);
  EXPECT_NEAR(statistics_of({2, 4, 4, 4, 5, 5, 7, 9}).deviation, 2.13809, 1e-5);
}

std::chrono::system_clock::time_point at(int year) {
  return std::chrono::sys_days(std::chrono::year(year) / 6 / 15);
}

TEST(Doctor, ClockMustBePlausible) {
  EXPECT_EQ(check_clock(at(1970)).verdict, Verdict::Fail);
  EXPECT_EQ(check_clock(at(2025)).verdict, Verdict::Fail);
  EXPECT_EQ(check_clock(at(2026)).verdict, Verdict::Pass);
  EXPECT_EQ(check_clock(at(2105)).verdict, Verdict::Pass);
  EXPECT_EQ(check_clock(at(2106)).verdict, Verdict::Fail);
  EXPECT_THAT(check_clock(at(2030)).detail, HasSubstr("2030-06-15"));
}

TEST_F(WithData, DoctorLooksAtNameFiles) {
  EXPECT_EQ(check_name_files(data_).verdict, Verdict::Warn);
  EXPECT_THAT(check_name_files(data_).detail, HasSubstr("resolv.conf"));
}

TEST_F(WithData, DoctorWritesIntoTheNearestDirectoryAndLeavesNothing) {
  EXPECT_NE(check_data_dir(data_ + "/a/b").verdict, Verdict::Fail);
  EXPECT_THAT(check_data_dir(data_ + "/a/b").detail, HasSubstr("to be created"));
  EXPECT_TRUE(fs::is_empty(data_));
  EXPECT_EQ(check_data_dir("/proc/hearth").verdict, Verdict::Fail);
  EXPECT_NE(check_data_dir("/proc/hearth").remedy, "");
}

TEST_F(WithData, DoctorComparesMemoryWithNeed) {
  config::Config config;
  config.model.path = data_ + "/absent.gguf";
  EXPECT_EQ(check_memory(config, "MemTotal: 8 kB\n").verdict, Verdict::Warn);
  config.model.path = "";
  const auto with = [&](const char* total, const char* available) {
    return check_memory(config, std::string("MemTotal:  ") + total +
                                    " kB\nMemAvailable:  " + available + " kB\n")
        .verdict;
  };
  EXPECT_EQ(with("16000000", "8000000"), Verdict::Pass);
  EXPECT_EQ(with("16000000", "1000"), Verdict::Warn);
  EXPECT_EQ(with("1000", "1000"), Verdict::Fail);
  EXPECT_EQ(check_memory(config, "").verdict, Verdict::Warn);
}

TEST_F(WithData, DoctorReportsSettingsKeyAndDaemon) {
  EXPECT_EQ(check_settings(Error{Code::InvalidInput, "line 3"}).verdict, Verdict::Fail);
  config::Loaded loaded;
  EXPECT_EQ(check_settings(loaded).verdict, Verdict::Pass);
  loaded.warnings.emplace_back("careful");
  EXPECT_EQ(check_settings(loaded).verdict, Verdict::Warn);
  EXPECT_EQ(check_key(data_ + "/identity.key").verdict, Verdict::Pass);
  EXPECT_TRUE(fs::is_empty(data_)) << "looking must not create a key";
  loaded.config.data_dir = data_;
  EXPECT_EQ(check_daemon(loaded.config).verdict, Verdict::Pass);
}

}  // namespace
}  // namespace hearth::cli
