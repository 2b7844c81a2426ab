#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "cli/model_choice.h"
#include "cli/models/listing.h"

namespace hearth::cli {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

TEST(ModelName, IsWhatIsNoFile) {
  std::string pattern = (fs::temp_directory_path() / "hearth-model-XXXXXX").string();
  const std::string folder = ::mkdtemp(pattern.data());
  std::ofstream(folder + "/there") << "x";
  struct Case {
    std::string given, name;  // "": a file
  };
  const Case kCases[] = {
      {"auto", "auto"},
      {"e2", "e2"},
      {"anthropic/claude-haiku-4-5", "anthropic/claude-haiku-4-5"},
      {"qwen2.5-3b", "qwen2.5-3b"},
      {"src", "src"},
      {"", ""},
      {"/x", ""},
      {"./x", ""},
      {"../x", ""},
      {"~/x", ""},
      {"models/x.gguf", ""},
      {folder + "/there", ""},
  };
  for (const Case& c : kCases) {
    config::Overrides overrides;
    overrides.model_path = c.given;
    EXPECT_EQ(take_model_name(overrides), c.name) << c.given;
    EXPECT_EQ(overrides.model_path.has_value(), c.name.empty()) << c.given;
  }
  const fs::path before = fs::current_path();
  fs::current_path(folder);
  config::Overrides overrides;
  overrides.model_path = "there";
  EXPECT_EQ(take_model_name(overrides), "") << "a file that is there";
  fs::current_path(before);
  fs::remove_all(folder);
  config::Overrides none;
  EXPECT_EQ(take_model_name(none), "");
}

TEST(ModelTarget, WritesStrangeBytesOut) {
  EXPECT_EQ(model_target("openrouter/meta/llama-3:free"),
            "/v1/models/openrouter/meta/llama-3:free");
  EXPECT_EQ(model_target("a b?#%"), "/v1/models/a%20b%3F%23%25");
}

TEST(StateOf, SaysWhyOnce) {
  EXPECT_EQ(state_of({.name = "a", .state = "ready"}), "ready");
  EXPECT_EQ(state_of({.name = "a", .state = "failed", .state_text = "no key"}), "failed: no key");
  EXPECT_EQ(state_of({.name = "a", .state = "loading", .state_text = "loading, 42 %"}),
            "loading, 42 %");
}

TEST(Listed, OfADaemonAreAsItSays) {
  const std::vector<ServedModel> served = {
      {.name = "ember",
       .level = "operational",
       .state = "ready",
       .meta = {{"architecture", "llama"}, {"n_params", 950u}, {"n_ctx", 2048u}, {"size", "x"}}},
      {.name = "rack/big\x1b",
       .level = "tactical",
       .state = "failed",
       .state_text = "no key",
       .meta = nlohmann::json::object()}};
  const std::string table = models_table(listed(served));
  EXPECT_THAT(table, HasSubstr("STATE"));
  EXPECT_THAT(table, HasSubstr("failed: no key"));
  EXPECT_THAT(table, testing::Not(HasSubstr("\x1b")));
  const auto json = to_json(listed(served));
  EXPECT_EQ(json[0]["in_use"], true);
  EXPECT_EQ(json[0]["parameters"], 950);
  EXPECT_EQ(json[0]["size_bytes"], 0);
  EXPECT_EQ(json[1]["in_use"], false);
  EXPECT_EQ(json[1]["state_text"], "no key");
}

TEST(Listed, WithoutADaemonAreThoseOfTheSettings) {
  config::Config config;
  config.data_dir = "/nowhere";
  EXPECT_EQ(to_json(listed(config))[0]["name"], "ember");
  config.model.path = "/nowhere/a.gguf";
  auto json = to_json(listed(config));
  ASSERT_EQ(json.size(), 2u);
  EXPECT_EQ(json[0]["name"], "a");
  EXPECT_THAT(json[0]["error"].get<std::string>(), HasSubstr("No such file"));

  config.model.path = "";
  config.pool.models.resize(2);
  config.pool.models[0].model.name = "ember";
  config.pool.models[1].model.name = "mine";
  config.providers.push_back({.name = "rack", .models = {"big"}, .tactical_models = {"small"}});
  json = to_json(listed(config));
  ASSERT_EQ(json.size(), 4u);
  EXPECT_EQ(json[0]["in_use"], true);
  EXPECT_EQ(json[1]["path"], "/nowhere/models/mine.gguf");
  EXPECT_EQ(json[2]["name"], "rack/big");
  EXPECT_EQ(json[2]["level"], "strategic");
  EXPECT_EQ(json[3]["level"], "tactical");
  EXPECT_THAT(models_table(listed(config)), HasSubstr("/nowhere/models/mine.gguf: No such file"));
}

}  // namespace
}  // namespace hearth::cli
