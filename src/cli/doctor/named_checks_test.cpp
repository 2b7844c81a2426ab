#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "base/time_source.h"
#include "cli/doctor/checks.h"
#include "engine/builtin_model.h"
#include "store/ledger.h"

namespace hearth::cli {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

/// Settings in a folder of their own, which is the data directory too.
class Named : public testing::Test {
 protected:
  Named() {
    std::string pattern = (fs::temp_directory_path() / "hearth-named-XXXXXX").string();
    data_ = ::mkdtemp(pattern.data());
    config_.data_dir = data_;
  }
  ~Named() override { fs::remove_all(data_); }

  std::string write(const std::string& name, std::string_view text, mode_t mode = 0644) {
    const std::string path = data_ + "/" + name;
    std::ofstream(path) << text;
    ::chmod(path.c_str(), mode);
    return path;
  }
  void add_model(const std::string& name, const std::string& path, const std::string& level) {
    config_.pool.models.push_back({.level = level, .origin = "hearth.toml:7"});
    config_.pool.models.back().model.name = name;
    config_.pool.models.back().model.path = path;
  }
  void add_provider(const std::string& name, const std::string& kind) {
    config_.providers.push_back({.name = name, .kind = kind, .origin = "hearth.toml:9"});
    config_.providers.back().url = "https://api.example/v1";
  }

  std::string data_;
  config::Config config_;
};

TEST_F(Named, ModelFileMustBeAModel) {
  EXPECT_EQ(check_model_file(config_).verdict, Verdict::Pass);
  config_.model.context_tokens = 1'000'000;
  EXPECT_EQ(check_model_file(config_).verdict, Verdict::Warn);
  config_.model.path = data_ + "/absent.gguf";
  const Finding absent = check_model_file(config_);
  EXPECT_EQ(absent.verdict, Verdict::Fail);
  EXPECT_EQ(absent.detail, config_.model.path + ": No such file or directory");
  config_.model.path = write("text.gguf", "a letter");
  EXPECT_EQ(check_model_file(config_).verdict, Verdict::Fail);
}

TEST_F(Named, ModelsOfThePoolAreLookedAt) {
  const std::string ember = write("ember.gguf", engine::builtin_model_bytes());
  struct Case {
    std::string name, path, level;
    Verdict verdict;
    std::string detail, remedy;
  };
  const std::string absent = data_ + "/absent.gguf";
  const Case kCases[] = {
      {"ember", "", "operational", Verdict::Pass, "inside this program", ""},
      {"second", ember, "tactical", Verdict::Pass, ember, ""},
      {"a", absent, "operational", Verdict::Fail, absent + ": No such", "hearth.toml:7"},
      {"a", absent, "tactical", Verdict::Fail, absent + ": No such", "hearth.toml:7"},
      // A name of the catalogue helps only one that is looked for where pull puts it.
      {"qwen2.5-3b", absent, "tactical", Verdict::Fail, "absent", "correct its path"},
      {"qwen2.5-3b", "", "tactical", Verdict::Warn, "No such", "hearth pull qwen2.5-3b"},
      {"qwen2.5-3b", "", "operational", Verdict::Fail, "No such", "hearth pull qwen2.5-3b"},
      {"mine", "", "tactical", Verdict::Warn, "models/mine.gguf", "put the file there"},
  };
  for (const Case& c : kCases) {
    config_.pool.models.clear();
    add_model(c.name, c.path, c.level);
    const auto found = check_pool(config_, {});
    ASSERT_THAT(found, SizeIs(1));
    EXPECT_EQ(found[0].verdict, c.verdict) << c.name << " " << c.level;
    EXPECT_THAT(found[0].detail, HasSubstr(c.name + " (" + c.level + ")"));
    EXPECT_THAT(found[0].detail, HasSubstr(c.detail));
    EXPECT_THAT(found[0].remedy, HasSubstr(c.remedy));
  }
}

TEST_F(Named, ARunningDaemonKnowsBetter) {
  add_model("ember", "", "operational");
  EXPECT_THAT(check_pool(config_, {{.name = "ember", .state = "ready"}})[0].detail,
              HasSubstr("the daemon says: ready"));
  const auto failed =
      check_pool(config_, {{.name = "ember", .state = "failed", .state_text = "crashed"}})[0];
  EXPECT_EQ(failed.verdict, Verdict::Fail);
  EXPECT_THAT(failed.detail, HasSubstr("failed: crashed"));
}

TEST_F(Named, ThePoolMustHaveRoomForItsStart) {
  config_.pool.memory_bytes_max = 1'000'000;
  add_model("ember", "", "operational");
  EXPECT_EQ(check_pool(config_, {}).back().verdict, Verdict::Fail);
  EXPECT_THAT(check_pool(config_, {}).back().detail, HasSubstr("all may have"));
  EXPECT_THAT(check_memory(config_, "MemTotal: 8000000 kB\nMemAvailable: 8000000 kB\n").detail,
              HasSubstr("the pool may have 976.6 KiB"));
  config_.pool.models[0].level = "tactical";
  EXPECT_EQ(check_pool(config_, {}).back().verdict, Verdict::Warn);
}

TEST_F(Named, ProvidersNeedTheirKeys) {
  add_provider("anthropic", "anthropic");
  const auto of = [&](const config::Environment& environment,
                      const std::vector<ServedModel>& served) {
    return check_providers(config_, environment, served)[0];
  };
  const ServedModel ready{.name = "anthropic/m", .state = "ready"};
  const ServedModel failed{.name = "anthropic/m", .state = "failed", .state_text = "no key"};
  EXPECT_EQ(of({{"ANTHROPIC_API_KEY", "sk-secret"}}, {}).verdict, Verdict::Pass);
  EXPECT_THAT(of({{"ANTHROPIC_API_KEY", "sk-secret"}}, {}).detail,
              testing::Not(HasSubstr("secret")));
  EXPECT_EQ(of({{"ANTHROPIC_API_KEY", "sk-1"}}, {failed}).verdict, Verdict::Warn);
  EXPECT_EQ(of({{"ANTHROPIC_API_KEY", "sk 1"}}, {}).verdict, Verdict::Fail);
  EXPECT_EQ(of({}, {}).verdict, Verdict::Warn);
  EXPECT_THAT(of({}, {}).remedy, HasSubstr("set ANTHROPIC_API_KEY"));
  EXPECT_EQ(of({}, {ready}).verdict, Verdict::Pass) << "the daemon has the key";

  config_.providers[0].key_file = data_ + "/key";
  EXPECT_EQ(of({}, {}).verdict, Verdict::Fail);
  write("key", "sk-1\n");
  EXPECT_THAT(of({}, {}).detail, HasSubstr("others may read"));
  EXPECT_EQ(of({}, {ready}).verdict, Verdict::Fail) << "at its next start it has not";
  write("key", "sk-1\n", 0600);
  EXPECT_EQ(of({}, {}).verdict, Verdict::Pass);
  config_.providers[0].url = "https://me@api.example/";
  EXPECT_EQ(of({}, {}).verdict, Verdict::Fail);
  config_.providers.clear();
  add_provider("rack", "compatible");
  EXPECT_THAT(of({}, {}).detail, HasSubstr("none is needed"));
}

TEST_F(Named, PricesMustBeReadable) {
  EXPECT_EQ(check_prices(config_).verdict, Verdict::Pass);
  config_.budget.price_file = data_ + "/prices.toml";
  EXPECT_THAT(check_prices(config_).detail, HasSubstr("budget.price_file: there is no file"));
  write("prices.toml", "date = \"2026-01-01\"\nsorce = \"x\"\n");
  EXPECT_THAT(check_prices(config_).detail, HasSubstr("prices.toml:2: unknown key 'sorce'"));
  write("prices.toml", "date = \"2026-01-01\"\nsource = \"x\"\n");
  EXPECT_EQ(check_prices(config_).verdict, Verdict::Pass);
}

TEST_F(Named, SpendingThatIsStoppedIsSaid) {
  const Call call = Call::within(Millis(60'000));
  const std::string path = data_ + "/hearth.db";
  EXPECT_EQ(check_spending(call, path).verdict, Verdict::Pass);
  EXPECT_FALSE(fs::exists(path));
  const SystemTime time;
  const auto store = store::Store::open(path);
  ASSERT_TRUE(store.ok());
  store::Ledger ledger(*store.value(), time);
  EXPECT_EQ(check_spending(call, path).verdict, Verdict::Pass);
  ASSERT_TRUE(ledger.stop(call, "the key leaked").ok());
  EXPECT_EQ(check_spending(call, path).verdict, Verdict::Warn);
  EXPECT_THAT(check_spending(call, path).detail, HasSubstr("the key leaked"));
}

TEST_F(Named, FilesThatASettingNamesAreThere) {
  EXPECT_THAT(check_named_files(config_), IsEmpty());
  config_.net.ca_file = write("ca.pem", "");
  config_.tools.workspace = {data_ + "/work"};
  const auto found = check_named_files(config_);
  ASSERT_THAT(found, SizeIs(2));
  EXPECT_EQ(found[0].verdict, Verdict::Pass);
  EXPECT_EQ(found[1].verdict, Verdict::Fail);
  config_.net.ca_file = data_;
  EXPECT_EQ(check_named_files(config_)[0].verdict, Verdict::Fail);
}

}  // namespace
}  // namespace hearth::cli
