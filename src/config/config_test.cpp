#include "config/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

namespace hearth::config {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr const char* kToken = "0123456789abcdef";

/// An empty home directory to load from.
class Load : public testing::Test {
 protected:
  Load() {
    std::string pattern = (fs::temp_directory_path() / "hearth-config-XXXXXX").string();
    home_ = ::mkdtemp(pattern.data());
    environment_["HOME"] = home_;
  }
  ~Load() override { fs::remove_all(home_); }

  std::string write(const std::string& name, const std::string& text, mode_t mode = 0600) {
    const std::string path = home_ + "/" + name;
    fs::create_directories(fs::path(path).parent_path());
    std::ofstream(path) << text;
    ::chmod(path.c_str(), mode);
    return path;
  }
  Loaded loaded() {
    auto result = load(overrides_, environment_);
    EXPECT_TRUE(result.ok()) << result.error().message;
    return result.ok() ? std::move(result).value() : Loaded{};
  }
  Error refused() {
    auto result = load(overrides_, environment_);
    EXPECT_FALSE(result.ok());
    return result.ok() ? Error{} : result.error();
  }

  std::string home_;
  Overrides overrides_;
  Environment environment_;
};

TEST_F(Load, DefaultsHoldWithoutAnySource) {
  const Loaded got = loaded();
  EXPECT_EQ(got.config.server.host, "127.0.0.1");
  EXPECT_EQ(got.config.server.port, 11435);
  EXPECT_EQ(got.config.data_dir, home_ + "/.local/share/hearth");
  EXPECT_EQ(got.config.db_path, got.config.data_dir + "/hearth.db");
  EXPECT_EQ(got.config.key_path, got.config.data_dir + "/identity.key");
  EXPECT_EQ(got.config.plugin_dir, got.config.data_dir + "/plugins");
  EXPECT_EQ(got.file, "");
  EXPECT_THAT(got.origins, testing::Each(testing::Pair(testing::_, "default")));
  EXPECT_EQ(got.origins.count("server.port"), 1u);
}

TEST_F(Load, LaterSourcesWin) {
  write(".local/share/hearth/hearth.toml", "[server]\nport = 1001\n[log]\nlevel = \"warn\"\n");
  EXPECT_EQ(loaded().config.server.port, 1001);
  EXPECT_EQ(loaded().origins["server.port"], "hearth.toml:2");
  environment_["PORT"] = "1002";
  EXPECT_EQ(loaded().config.server.port, 1002);
  EXPECT_EQ(loaded().origins["server.port"], "PORT");
  environment_["HEARTH_PORT"] = "1003";
  EXPECT_EQ(loaded().config.server.port, 1003);
  EXPECT_EQ(loaded().origins["server.port"], "HEARTH_PORT");
  overrides_.port = 1004;
  EXPECT_EQ(loaded().config.server.port, 1004);
  EXPECT_EQ(loaded().origins["server.port"], "--port");
  EXPECT_EQ(loaded().origins["log.level"], "hearth.toml:4");
}

TEST_F(Load, FindsItsFile) {
  const std::string xdg = write(".config/hearth/hearth.toml", "[server]\nport = 1\n");
  EXPECT_EQ(loaded().file, xdg);
  const std::string data = write("d/hearth.toml", "[server]\nport = 2\n");
  environment_["HEARTH_DATA"] = home_ + "/d";
  EXPECT_EQ(loaded().file, data);
  const std::string named = write("named.toml", "[server]\nport = 3\n");
  environment_["HEARTH_CONFIG"] = named;
  EXPECT_EQ(loaded().config.server.port, 3);
  const std::string given = write("given.toml", "[server]\nport = 4\n");
  overrides_.config_file = given;
  EXPECT_EQ(loaded().config.server.port, 4);
  overrides_.config_file = home_ + "/absent.toml";
  EXPECT_EQ(refused().code, Code::NotFound);
  EXPECT_THAT(refused().message, HasSubstr(home_ + "/absent.toml"));
}

TEST_F(Load, FindsItsDataDirectory) {
  environment_["XDG_DATA_HOME"] = "relative/is/ignored";
  EXPECT_EQ(loaded().config.data_dir, home_ + "/.local/share/hearth");
  environment_["XDG_DATA_HOME"] = home_ + "/xdg";
  EXPECT_EQ(loaded().config.data_dir, home_ + "/xdg/hearth");
  write(".config/hearth/hearth.toml", "data_dir = \"~/from-file/\"\n");
  EXPECT_EQ(loaded().config.data_dir, home_ + "/from-file");
  environment_["HEARTH_DATA"] = home_ + "/from-environment";
  EXPECT_EQ(loaded().config.data_dir, home_ + "/from-environment");
  overrides_.data_dir = "here";
  EXPECT_EQ(loaded().config.data_dir, fs::current_path().string() + "/here");
}

TEST_F(Load, DataDirectoryIsKnownEvenWhenTheFileIsBroken) {
  write("d/hearth.toml", "broken\n");
  overrides_.data_dir = home_ + "/d/";
  EXPECT_EQ(refused().code, Code::InvalidInput);
  EXPECT_EQ(data_dir_without_file(overrides_, environment_).value(), home_ + "/d");
  EXPECT_EQ(data_dir_without_file({}, environment_).value(), home_ + "/.local/share/hearth");
  EXPECT_EQ(data_dir_without_file({}, {}).error().field, "data_dir");
}

TEST_F(Load, WithoutHomeSaysWhatToGive) {
  environment_.clear();
  EXPECT_EQ(refused().field, "data_dir");
  environment_["HEARTH_DATA"] = "/data";
  EXPECT_EQ(loaded().config.data_dir, "/data");
}

TEST_F(Load, PathsOfAFileAreRelativeToIt) {
  overrides_.config_file =
      write("etc/hearth.toml", "key_path = \"device.key\"\n[model]\npath = \"../models/a.gguf\"\n");
  EXPECT_EQ(loaded().config.model.path, home_ + "/models/a.gguf");
  EXPECT_EQ(loaded().config.key_path, home_ + "/etc/device.key");
  environment_["MODEL_PATH"] = "b.gguf";
  EXPECT_EQ(loaded().config.model.path, fs::current_path().string() + "/b.gguf");
}

TEST_F(Load, WorkspaceFoldersAreMadeAbsoluteToo) {
  overrides_.config_file =
      write("etc/hearth.toml", "[tools]\nworkspace = [\"work\", \"~/notes\", \"/srv/x/\"]\n");
  EXPECT_EQ(loaded().config.tools.workspace,
            (std::vector<std::string>{home_ + "/etc/work", home_ + "/notes", "/srv/x/"}));
  environment_["HEARTH_TOOLS_WORKSPACE"] = "here,/there";
  EXPECT_EQ(loaded().config.tools.workspace,
            (std::vector<std::string>{fs::current_path().string() + "/here", "/there"}));
}

TEST_F(Load, TheCommandLineOpensAFolderOrNone) {
  overrides_.config_file = write("hearth.toml", "[tools]\nworkspace = [\"/srv\"]\n");
  overrides_.workspace = {"here"};
  EXPECT_EQ(loaded().config.tools.workspace,
            std::vector<std::string>{fs::current_path().string() + "/here"});
  EXPECT_EQ(loaded().origins["tools.workspace"], "--workspace");
  overrides_.workspace.emplace();
  EXPECT_TRUE(loaded().config.tools.workspace.empty());
  EXPECT_EQ(loaded().origins["tools.workspace"], "--no-tools");
}

TEST_F(Load, WarnsOfATurnThatEndsBeforeItsAnswer) {
  overrides_.config_file = write("hearth.toml", "[agent]\nturn_timeout = \"9m\"\n");
  ASSERT_EQ(loaded().warnings.size(), 1u);
  EXPECT_THAT(loaded().warnings[0], HasSubstr("agent.turn_timeout"));
  write("hearth.toml", "[agent]\nturn_timeout = \"10m\"\n");
  EXPECT_TRUE(loaded().warnings.empty());
}

TEST_F(Load, TakesFabioClawsVariables) {
  environment_.insert({{"HOST", "::1"},
                       {"PORT", "8080"},
                       {"MODEL_PATH", "/m.gguf"},
                       {"DB_PATH", "/d.db"},
                       {"KEY_PATH", "/k.key"},
                       {"PLUGIN_DIR", "/p"}});
  const Config config = loaded().config;
  EXPECT_EQ(config.server.host, "::1");
  EXPECT_EQ(config.server.port, 8080);
  EXPECT_EQ(config.model.path, "/m.gguf");
  EXPECT_EQ(config.db_path, "/d.db");
  EXPECT_EQ(config.key_path, "/k.key");
  EXPECT_EQ(config.plugin_dir, "/p");
}

TEST_F(Load, AForeignVariableThatWeOverrideIsNotEvenChecked) {
  environment_["HOST"] = "some-workstation";  // as tcsh sets it
  EXPECT_EQ(refused().field, "server.host");
  EXPECT_THAT(refused().message, HasSubstr("HOST"));
  environment_["HEARTH_HOST"] = "127.0.0.1";
  EXPECT_EQ(loaded().config.server.host, "127.0.0.1");
}

TEST_F(Load, EnvironmentHasLongAndShortNames) {
  struct Case {
    const char *variable, *value, *origin_of;
  };
  const Case kCases[] = {
      {"HEARTH_SERVER_PORT", "1", "server.port"},
      {"HEARTH_PORT", "1", "server.port"},
      {"HEARTH_SERVER_HOST", "::1", "server.host"},
      {"HEARTH_HOST", "::1", "server.host"},
      {"HEARTH_TOKEN", kToken, "server.tokens"},
      {"HEARTH_SERVER_TOKENS", kToken, "server.tokens"},
      {"HEARTH_MODEL", "/m", "model.path"},
      {"HEARTH_MODEL_PATH", "/m", "model.path"},
      {"HEARTH_DATA", "/d", "data_dir"},
      {"HEARTH_DATA_DIR", "/d", "data_dir"},
      {"HEARTH_LOG", "off", "log.level"},
      {"HEARTH_LOG_LEVEL", "off", "log.level"},
      {"HEARTH_DB_PATH", "/d", "db_path"},
      {"HEARTH_MODEL_TOKEN_TIMEOUT", "90s", "model.token_timeout"},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.variable);
    const auto got = load({}, {{"HOME", home_}, {c.variable, c.value}});
    ASSERT_TRUE(got.ok()) << got.error().message;
    EXPECT_EQ(got.value().origins.at(c.origin_of), c.variable);
  }
}

TEST_F(Load, OneSettingUnderTwoNamesIsRefused) {
  environment_["HEARTH_PORT"] = "1";
  environment_["HEARTH_SERVER_PORT"] = "2";
  EXPECT_THAT(refused().message, HasSubstr("both HEARTH_PORT and HEARTH_SERVER_PORT"));
}

TEST_F(Load, UnknownVariablesAreRefusedWithTheNearestName) {
  environment_["HEARTH_PROT"] = "1";
  EXPECT_EQ(refused().code, Code::InvalidInput);
  EXPECT_THAT(refused().message,
              HasSubstr("unknown variable HEARTH_PROT; did you mean HEARTH_PORT?"));
  environment_.erase("HEARTH_PROT");
  environment_["HEARTH_TEST_ANYTHING"] = "1";
  environment_["HEARTH_HOST"] = "";  // empty is absent
  EXPECT_EQ(loaded().config.server.host, "127.0.0.1");
}

TEST_F(Load, BeyondLoopbackATokenIsNeeded) {
  for (const char* host :
       {"0.0.0.0", "192.168.1.5", "::", "fe80::1", "128.0.0.1", "126.255.255.255"}) {
    SCOPED_TRACE(host);
    overrides_.host = host;
    EXPECT_EQ(refused().code, Code::InvalidInput);
    EXPECT_EQ(refused().field, "server.host");
    EXPECT_THAT(refused().message, HasSubstr("needs server.tokens"));
    environment_["HEARTH_TOKEN"] = kToken;
    EXPECT_EQ(loaded().config.server.host, host);
    environment_.erase("HEARTH_TOKEN");
  }
  for (const char* host : {"127.0.0.1", "127.255.255.255", "::1"}) {
    overrides_.host = host;
    EXPECT_EQ(loaded().config.server.host, host);
  }
  overrides_.host = "localhost";
  EXPECT_EQ(loaded().config.server.host, "127.0.0.1");
}

TEST_F(Load, GrpcNeedsTokensBeyondLoopbackAndBothFilesOfTls) {
  struct Case {
    std::map<std::string, std::string> set;
    const char* field;  // "": fine
  };
  const Case kCases[] = {
      {{{"HEARTH_GRPC_HOST", "0.0.0.0"}}, "grpc.host"},
      {{{"HEARTH_GRPC_HOST", "0.0.0.0"}, {"HEARTH_GRPC_ENABLED", "false"}}, ""},
      {{{"HEARTH_GRPC_HOST", "0.0.0.0"}, {"HEARTH_TOKEN", kToken}}, ""},
      {{{"HEARTH_GRPC_TLS_CERT", "/cert.pem"}}, "grpc.tls_key"},
      {{{"HEARTH_GRPC_TLS_KEY", "/key.pem"}}, "grpc.tls_cert"},
      {{{"HEARTH_GRPC_TLS_CERT", "/cert.pem"}, {"HEARTH_GRPC_TLS_KEY", "/key.pem"}}, ""},
      {{{"HEARTH_GRPC_STREAMS_MAX", "0"}}, "grpc.streams_max"},
      {{{"HEARTH_GRPC_MESSAGE_BYTES_MAX", "1023"}}, "grpc.message_bytes_max"},
  };
  const auto before = environment_;
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.set.begin()->first);
    environment_ = before;
    for (const auto& [name, value] : c.set) environment_[name] = value;
    if (*c.field) {
      EXPECT_EQ(refused().field, c.field);
    } else {
      EXPECT_TRUE(loaded().config.grpc.reflection);
    }
  }
}

TEST_F(Load, WarnsWhenOthersMayReadTokens) {
  const std::string text = std::string("[server]\ntokens = [\"") + kToken + "\"]\n";
  overrides_.config_file = write("a.toml", text, 0640);
  ASSERT_EQ(loaded().warnings.size(), 1u);
  EXPECT_THAT(loaded().warnings[0], HasSubstr("chmod 600 "));
  EXPECT_THAT(loaded().warnings[0], testing::Not(HasSubstr(kToken)));
  overrides_.config_file = write("b.toml", text, 0600);
  EXPECT_TRUE(loaded().warnings.empty());
  overrides_.config_file = write("c.toml", "[server]\nport = 1\n", 0644);
  EXPECT_TRUE(loaded().warnings.empty());
}

TEST_F(Load, RefusesWhatIsNoTextFile) {
  overrides_.config_file = home_;
  EXPECT_EQ(refused().code, Code::Unavailable);
  overrides_.config_file = write("big.toml", std::string(1024 * 1024 + 1, '#'));
  EXPECT_EQ(refused().code, Code::TooLarge);
  overrides_.config_file = write("fits.toml", std::string(1024 * 1024, '#'));
  EXPECT_EQ(loaded().config.server.port, 11435);
}

TEST_F(Load, ShowTellsValuesAndOriginsButNoToken) {
  overrides_.config_file =
      write("x.toml", std::string("[server]\nport = 0\ntokens = [\"") + kToken + "\"]\n");
  const std::string text = show(loaded());
  EXPECT_THAT(text, HasSubstr("port = 0  # x.toml:2"));
  EXPECT_THAT(text, HasSubstr("tokens = [\"…\"]  # x.toml:3"));
  EXPECT_THAT(text, HasSubstr("host = \"127.0.0.1\"  # default"));
  EXPECT_THAT(text, HasSubstr("request_timeout = \"10m\"  # default"));
  EXPECT_THAT(text, testing::Not(HasSubstr(kToken)));
}

}  // namespace
}  // namespace hearth::config
