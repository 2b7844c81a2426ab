#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "config/prices.h"
#include "config/settings/setting.h"
#include "config/settings/sources.h"

namespace hearth::config {
namespace {

using testing::HasSubstr;

TEST(ParseText, NamesFileLineAndNearestKey) {
  struct Case {
    const char *text, *want;
  };
  const Case kCases[] = {
      {"[server]\n\nprot = 1\n",
       "f.toml:3: unknown key 'server.prot'; did you mean 'server.port'?"},
      {"[sever]\nport = 1\n", "f.toml:1: unknown key 'sever'; did you mean 'server'?"},
      {"\n[sever]\n", "f.toml:2: unknown key 'sever'; did you mean 'server'?"},
      {"[model]\nzzzzzzzzzzzz = 1\n", "f.toml:2: unknown key 'model.zzzzzzzzzzzz'"},
      {"data_dirs = \"x\"\n", "did you mean 'data_dir'?"},
      {"server = 3\n", "f.toml:1: server: a section is required: [server]"},
      {"[[server]]\nport = 1\n", "server: a section is required"},
      {"[server]\nport = \n", "f.toml:2: "},
      {"[server]\nport = 1\nport = 2\n", "f.toml:3: "},
      {"\xff\xfe", "f.toml:1: "},
      {"[\nport = 1\n", "f.toml:1: "},       // toml++ 3.3 asserts here
      {"a = 1[\"\"\u0342\n", "f.toml:1: "},  // and runs into undefined behaviour here
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.text);
    const auto got = parse_text(c.text, "f.toml");
    ASSERT_FALSE(got.ok());
    EXPECT_EQ(got.error().code, Code::InvalidInput);
    EXPECT_THAT(got.error().message, HasSubstr(c.want));
  }
}

TEST(ParseText, ATableInAValuesPlaceIsRefused) {
  EXPECT_EQ(parse_text("server.port.deep = 1\n", "f").error().message,
            "f:1: server.port: a whole number is required, not a table");
}

TEST(ParseText, ChecksTypesAndRangesAtTheirEdges) {
  struct Case {
    const char* text;
    const char* problem;  // nullptr: accepted
  };
  const Case kCases[] = {
      {"server.port = 0", nullptr},
      {"server.port = 65535", nullptr},
      {"server.port = 65536", "f:1: server.port: 65536 is out of range (0 to 65535)"},
      {"server.port = -1", "server.port: -1 is out of range (0 to 65535)"},
      {"server.port = \"80\"", "server.port: a whole number is required"},
      {"server.port = 80.0", "server.port: a whole number is required, not a fraction"},
      {"server.port = true", "not a boolean"},
      {"server.port = 1979-05-27", "not a date or time"},
      {"server.body_bytes_max = 1023", "out of range"},
      {"server.body_bytes_max = 1024", nullptr},
      {"server.drain_timeout = \"0s\"", nullptr},
      {"server.drain_timeout = \"1h\"", nullptr},
      {"server.drain_timeout = \"61m\"", "server.drain_timeout: 61m is out of range (0s to 1h)"},
      {"server.drain_timeout = 30",
       "server.drain_timeout: a duration is required, such as \"30s\""},
      {"server.drain_timeout = \"30\"", "not a duration"},
      {"model.token_timeout = \"999ms\"", "out of range (1s to 1h)"},
      {"model.token_timeout = \"1s\"", nullptr},
      {"model.request_timeout = \"24h\"", nullptr},
      {"model.request_timeout = \"25h\"", "duration above 24h"},
      {"model.slots = 16", nullptr},
      {"model.slots = 17", "out of range (1 to 16)"},
      {"model.slots = 0", "out of range (1 to 16)"},
      {"model.prefill_chunk_tokens = 15", "out of range (16 to 512)"},
      {"model.prefill_chunk_tokens = 512", nullptr},
      {"model.kv_type = \"q8_0\"", nullptr},
      {"model.deterministic = true", nullptr},
      {"model.deterministic = false", nullptr},
      {"model.deterministic = \"true\"", "model.deterministic: true or false is required"},
      {"model.deterministic = 1", "model.deterministic: true or false is required"},
      {"model.kv_type = \"q4_0\"", "model.kv_type: 'q4_0' is not one of auto, f16, q8_0"},
      {"model.kv_type = \"\"", "is not one of"},
      {"model.kv_type = \"f16, q8_0\"", "is not one of"},
      {"model.path = \"a\\u0000b\"", "control characters"},
      {"model.name = \"a b\"", "letters, digits"},
      {"models.disk_bytes_max = 17592186044417", "out of range (0 to 17592186044416)"},
      {"models.mirrors = [\"https://m.example/hub\"]", nullptr},
      {"models.mirrors = [\"m.example\"]", "item 1: an address such as"},
      {"models.hub = \"ftp://hub\"", "an address such as https://models.example/mirror"},
      {"models.hub = \"http://127.0.0.1:8080\"", nullptr},
      {"log.level = \"trace\"", "is not one of debug, info, warn, error, off"},
      {"server.host = \"example.org\"", "an IPv4 or IPv6 address is required"},
      {"server.host = \"\"", "allowed are 1 to 253"},
      {"server.tokens = \"0123456789abcdef\"", "an array of strings is required"},
      {"server.tokens = [\"12345678\"]", nullptr},
      {"server.tokens = [\"1234567\"]", "item 1: a token has 8 to 256 characters"},
      {"server.tokens = [\"0123456789abcde \"]", "visible ASCII"},
      {"server.tokens = [\"0123456789abcdef\", 1]",
       "an array of strings is required, not a mixed array"},
      {"server.hosts = [\"hearth.example\"]", nullptr},
      {"server.hosts = [\"hearth.example:80\"]", "without port"},
      {"server.cors_origins = [\"https://a.example:8443\"]", nullptr},
      {"server.cors_origins = [\"https://a.example/\"]", "an origin is required"},
      {"server.cors_origins = [\"*\"]", "an origin is required"},
      {"tools.workspace = [\"/a\", \"b\"]", nullptr},
      {"tools.workspace = [\"\"]", "item 1: a folder of 1 to 4095 bytes is required"},
      {"tools.workspace = [\"a\\nb\"]", "control characters"},
      {"tools.workspace = \"/a\"", "an array of strings is required"},
      {"tools.output_bytes_max = 65537", "out of range (1024 to 65536)"},
      {"policy.approval_timeout = \"24h\"", nullptr},
      {"policy.approval_timeout = \"999ms\"", "out of range (1s to 24h)"},
      {"policy.plan_mode = 1", "true or false is required"},
      {"store.inbox_days_max = 1", nullptr},
      {"store.inbox_days_max = 0", "store.inbox_days_max: 0 is out of range (1 to 36500)"},
      {"store.journal_days_max = 36500", nullptr},
      {"store.journal_days_max = 36501", "out of range (1 to 36500)"},
      {"store.outbox_rows_max = 100000000", nullptr},
      {"store.outbox_rows_max = 100000001", "out of range (1 to 100000000)"},
      {"store.effects_rows_max = 0", "out of range"},
      {"store.approvals_days_max = \"30d\"", "a whole number is required"},
      {"store.archived_messages_max = 0", nullptr},
      {"store.archived_messages_max = 1000000001", "out of range (0 to 1000000000)"},
      {"store.inbox_day_max = 1", "did you mean 'store.inbox_days_max'?"},
      {"agent.turns_max = 32", nullptr},
      {"agent.turns_max = 33", "agent.turns_max: 33 is out of range (1 to 32)"},
      {"agent.turns_max = 0", "out of range (1 to 32)"},
      {"agent.rounds_max = 64", nullptr},
      {"agent.rounds_max = 65", "out of range (1 to 64)"},
      {"agent.rounds_max = 0", "out of range (1 to 64)"},
      {"agent.turn_timeout = \"1s\"", nullptr},
      {"agent.turn_timeout = \"24h\"", nullptr},
      {"agent.turn_timeout = \"999ms\"", "out of range (1s to 24h)"},
      {"agent.round_max = 3", "did you mean 'agent.rounds_max'?"},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.text);
    const auto got = parse_text(c.text, "f");
    EXPECT_EQ(got.ok(), c.problem == nullptr) << (got.ok() ? "accepted" : got.error().message);
    if (got.ok() || !c.problem) continue;
    EXPECT_EQ(got.error().code, Code::InvalidInput);
    EXPECT_THAT(got.error().message, HasSubstr(c.problem));
  }
}

TEST(ParseText, RulesAreReadInTheirOrder) {
  const auto got = parse_text(
      "[policy]\nplan_mode = true\n[[policy.rule]]\ntool = \"*\"\npattern = \"**\"\n"
      "decision = \"deny\"\n[[policy.rule]]\nname = \"notes\"\ntool = \"write_file\"\n"
      "kind = \"exact\"\npattern = \"a\"\ndecision = \"allow\"\nexpires = \"8h\"\n",
      "f.toml");
  ASSERT_TRUE(got.ok()) << got.error().message;
  const auto& rules = got.value().config.policy.rules;
  ASSERT_EQ(rules.size(), 2u);
  EXPECT_EQ(rules[0].name, "f.toml:3");
  EXPECT_EQ(rules[0].kind, "wildcard");
  EXPECT_EQ(rules[1].origin, "f.toml:7");
  EXPECT_EQ(rules[1].name, "notes");
  EXPECT_EQ(rules[1].expires, "8h");
  const auto again = parse_text(show(got.value()), "g");
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(again.value().config.policy.rules[1].pattern, "a");
}

TEST(ParseText, ModelsOfThePoolTakeWhatTheyDoNotSayFromTheModel) {
  const auto got = parse_text(
      "[model]\npath = \"/m/a.gguf\"\nslots = 2\nkv_type = \"q8_0\"\n[pool]\nmemory_bytes_max = 9\n"
      "[[pool.model]]\nname = \"b\"\nlevel = \"operational\"\nslots = 1\n"
      "[[pool.model]]\nname = \"c\"\npath = \"c.gguf\"\nidle_timeout = \"10s\"\npinned = true\n",
      "f.toml");
  ASSERT_TRUE(got.ok()) << got.error().message;
  const auto& pool = got.value().config.pool;
  EXPECT_EQ(pool.memory_bytes_max, 9u);
  ASSERT_EQ(pool.models.size(), 2u);
  const auto &b = pool.models[0], &c = pool.models[1];
  EXPECT_EQ(b.model.name, "b");
  EXPECT_EQ(b.model.path, "");
  EXPECT_EQ(b.model.slots, 1u);
  EXPECT_EQ(b.model.kv_type, "q8_0");
  EXPECT_EQ(b.level, "operational");
  EXPECT_TRUE(b.pinned);
  EXPECT_EQ(c.level, "tactical");
  EXPECT_EQ(c.model.slots, 2u);
  EXPECT_EQ(c.idle_timeout, Millis(10'000));
  EXPECT_TRUE(c.pinned);
  const auto again = parse_text(show(got.value()), "g");
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(again.value().config.pool.models[1].model.path, "c.gguf");
  EXPECT_EQ(again.value().config.pool.models[0].model.slots, 1u);
}

TEST(ParseText, ModelsOfThePoolAreChecked) {
  const std::string head = "[[pool.model]]\nname = \"b\"\n";
  std::string many;
  for (int i = 0; i < 65; ++i) many += "[[pool.model]]\nname = \"m" + std::to_string(i) + "\"\n";
  const std::pair<std::string, const char*> kBad[] = {
      {"[[pool.model]]\nslots = 1\n", "f:1: pool.model.name: is required"},
      {"[[pool.model]]\nname = \"\"\n", "f:1: pool.model.name: is required"},
      {head + "level = \"reactive\"\n",
       "f:3: pool.model.level: 'reactive' is not one of operational, tactical, strategic"},
      {head + "slots = 17\n", "f:3: pool.model.slots: 17 is out of range (1 to 16)"},
      {head + "slot = 1\n", "f:3: unknown key 'pool.model.slot'; did you mean 'pool.model.slots'?"},
      {head + "pinned = 1\n", "f:3: pool.model.pinned: true or false is required"},
      {head + head, "f:3: pool.model.name: 'b' is there already"},
      {many, "pool.model: at most 64 are allowed"},
      {"[[pool.model]]\nname = \"a/b\"\n",
       "f:1: pool.model.name: 'a/b': letters, digits and . _ - : are allowed"},
      {"[[pool.model]]\nname = \"a+b\"\n", "pool.model.name: 'a+b': letters"},
      {"[[pool.model]]\nname = \"auto\"\n", "pool.model.name: 'auto' is what requests say"},
      {"[[pool.model]]\nname = \"strategic\"\n", "'strategic' is what requests say"},
      {"[pool]\nmodel = 3\n", "f:2: pool.model: tables are required: [[pool.model]]"},
  };
  for (const auto& [text, says] : kBad) {
    SCOPED_TRACE(text.substr(0, 60));
    const auto got = parse_text(text, "f");
    ASSERT_FALSE(got.ok());
    EXPECT_EQ(got.error().code, Code::InvalidInput);
    EXPECT_THAT(got.error().message, HasSubstr(says));
  }
  EXPECT_TRUE(parse_text(many.substr(0, many.rfind("[[")), "f").ok());
}

TEST(ParseText, RulesAreChecked) {
  const std::string head = "[[policy.rule]]\ntool = \"*\"\npattern = \"**\"\n";
  const std::pair<std::string, const char*> kBad[] = {
      {head, "f:1: policy.rule.decision: is required"},
      {"[[policy.rule]]\ndecision = \"ask\"\npattern = \"a\"\n", "policy.rule.tool: is required"},
      {"[[policy.rule]]\ndecision = \"ask\"\ntool = \"a\"\n", "policy.rule.pattern: is required"},
      {head + "decision = \"maybe\"\n",
       "f:4: policy.rule.decision: 'maybe' is not one of deny, ask, allow"},
      {head + "kind = \"glob\"\n", "is not one of exact, wildcard, regex"},
      {head + "desicion = \"ask\"\n",
       "f:4: unknown key 'policy.rule.desicion'; did you mean 'policy.rule.decision'?"},
      {head + "decision = 3\n", "f:4: policy.rule.decision: a string is required"},
      {head + "name = \"a\\nb\"\n", "control characters"},
      {head + "name = \"" + std::string(129, 'n') + "\"\n", "has 129 bytes; allowed are 1 to 128"},
      {head + "expires = \"soon\"\n", "policy.rule.expires: not a duration"},
      {"[policy]\nrule = 3\n", "f:2: policy.rule: tables are required: [[policy.rule]]"},
      {"[policy]\nrule = [3]\n", "tables are required"},
      {"[[policy.rules]]\n", "did you mean 'policy.rule'?"},
  };
  for (const auto& [text, says] : kBad) {
    SCOPED_TRACE(text);
    const auto got = parse_text(text, "f");
    ASSERT_FALSE(got.ok());
    EXPECT_EQ(got.error().code, Code::InvalidInput);
    EXPECT_THAT(got.error().message, HasSubstr(says));
  }
  std::string many;
  for (int i = 0; i < 1'024; ++i) many += head + "decision = \"ask\"\n";
  EXPECT_TRUE(parse_text(many, "f").ok());
  EXPECT_THAT(parse_text(many + head, "f").error().message, HasSubstr("at most 1024"));
}

TEST(ParseText, NeverQuotesATokenThatItRefuses) {
  const auto got = parse_text("server.tokens = [\"hunter2\"]", "f");
  ASSERT_FALSE(got.ok());
  EXPECT_THAT(got.error().message, testing::Not(HasSubstr("hunter2")));
}

TEST(ParseText, AtMost64Tokens) {
  std::string text = "server.tokens = [";
  for (int i = 0; i < 64; ++i) text += "\"0123456789abcdef\",";
  EXPECT_TRUE(parse_text(text + "]", "f").ok());
  EXPECT_FALSE(parse_text(text + "\"0123456789abcdef\"]", "f").ok());
}

TEST(ParseText, DeepNestingEndsInAnError) {
  const std::string text = "a = " + std::string(100'000, '[');
  EXPECT_EQ(parse_text(text, "f").error().code, Code::InvalidInput);
}

/// The example with every setting switched on.
std::string uncommented(const std::string& example) {
  std::string out, line;
  for (const char c : example) {
    line += c;
    if (c != '\n') continue;
    const bool setting = line.size() > 1 && line[0] == '#' && line[1] != ' ';
    out += setting ? line.substr(1) : line;
    line.clear();
  }
  return out;
}

TEST(Example, IsValidAndShowsEveryDefault) {
  ASSERT_TRUE(parse_text(example_toml(), "f").ok());
  const auto got = parse_text(uncommented(example_toml()), "f");
  ASSERT_TRUE(got.ok()) << got.error().message;
  EXPECT_EQ(got.value().origins.size(), settings().size());
  const Config defaults;
  for (const Setting& setting : settings())
    EXPECT_EQ(toml_text(setting, got.value().config), toml_text(setting, defaults)) << setting.name;
}

TEST(Settings, HaveDifferentNamesAndPlaces) {
  std::set<std::string> names, variables;
  std::set<Target> targets;
  Config config;
  for (const Setting& setting : settings()) {
    EXPECT_TRUE(names.emplace(setting.name).second) << setting.name;
    EXPECT_TRUE(variables.insert(environment_name(setting)).second) << setting.name;
    EXPECT_TRUE(targets.insert(setting.target(config)).second) << setting.name;
    if (setting.short_name.empty()) continue;
    EXPECT_TRUE(variables.emplace(setting.short_name).second) << setting.name;
  }
}

TEST(Nearest, FindsTypingMistakesOnly) {
  const std::vector<std::string> known = {"server.port", "server.host", "model.path"};
  EXPECT_EQ(nearest("server.prot", known), "server.port");
  EXPECT_EQ(nearest("serverhost", known), "server.host");
  EXPECT_EQ(nearest("model.pth", known), "model.path");
  EXPECT_EQ(nearest("qqqqqqqq", known), "");
  EXPECT_EQ(nearest(std::string(65, 's'), known), "");
  EXPECT_EQ(nearest("", known), "");
}

TEST(Providers, AreReadWithWhatFollows) {
  const auto got = parse_text(
      "[[provider]]\nname = \"anthropic\"\nmodels = [\"a\", \"b\"]\ntactical_models = [\"c\"]\n"
      "[[provider]]\nname = \"rack\"\nkind = \"compatible\"\nurl = \"http://h:1/v1\"\nfree = true\n"
      "key_file = \"rack.key\"\nretries_max = 0\ntoken_timeout = \"5s\"\n",
      "/etc/hearth.toml");
  ASSERT_TRUE(got.ok()) << got.error().message;
  const auto& all = got.value().config.providers;
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].kind, "anthropic");
  EXPECT_EQ(all[0].models, (std::vector<std::string>{"a", "b"}));
  EXPECT_FALSE(all[0].free);
  EXPECT_EQ(all[1].url, "http://h:1/v1");
  EXPECT_TRUE(all[1].free);
  EXPECT_EQ(all[1].retries_max, 0u);
  EXPECT_EQ(all[1].token_timeout, Millis(5'000));
  const std::string shown = show(got.value());
  EXPECT_THAT(shown, HasSubstr("[[provider]]  # /etc/hearth.toml:5"));
  const auto again = parse_text(providers_text(got.value().config), "f");
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(again.value().config.providers[1].key_file, "rack.key");
}

TEST(Providers, WhatIsWrongIsNamed) {
  const std::string head = "[[provider]]\nname = \"openai\"\n";
  std::string many;
  for (int i = 0; i < 33; ++i)
    many += "[[provider]]\nkind = \"openai\"\nname = \"p" + std::to_string(i) + "\"\n";
  const std::pair<std::string, const char*> kRows[] = {
      {"[[provider]]\nkind = \"openai\"\n", "f:1: provider.name: is required"},
      {"[[provider]]\nname = \"local\"\n", "f:1: provider.name: 'local' is what requests say"},
      {"[[provider]]\nname = \"auto\"\n", "f:1: provider.name: 'auto' is what requests say"},
      {"[[provider]]\nname = \"Open AI\"\n", "f:2: provider.name: lower case letters"},
      {"[[provider]]\nname = \"x\"\n", "f:1: provider.kind: is required, since 'x' is none of"},
      {head + "kind = \"other\"\n", "f:3: provider.kind: 'other' is not one of"},
      {"[[provider]]\nname = \"x\"\nkind = \"compatible\"\n", "f:1: provider.url: is required"},
      {head + "url = \"http://u:p@h\"\n", "its key belongs into key_env or key_file"},
      {head + "key_env = \"A B\"\n", "provider.key_env: the name of a variable"},
      {head + "key_env = \"A\"\nkey_file = \"b\"\n", "cannot be given beside key_env"},
      {head + "models = [\"a b\"]\n", "f:3: provider.models: item 1: "},
      {head + "modles = []\n", "did you mean 'provider.models'?"},
      {head + "models = [\"a\", \"b\", \"a\"]\n", "f:1: provider.models: 'a' is there twice"},
      {head + "models = [\"a\"]\ntactical_models = [\"a\"]\n",
       "f:1: provider.tactical_models: 'a' is there twice"},
      {head + "models = [\"openai/gpt\"]\n", "provider.models: 'openai/gpt': leave 'openai/' out"},
      {head + "key = \"sk-1\"\n", "f:3: provider.key: a key does not stand in this file"},
      {head + "api_key = \"sk-1\"\n", "say with key_env which variable"},
      {head + "token_timeout = \"60\"\n", "not a duration: '60'; such as \"1m\""},
      {head + "requests_max = 0\n", "0 is out of range (1 to 2048)"},
      {head + "requests_max = 2049\n", "2049 is out of range (1 to 2048)"},
      {head + "retries_max = 11\n", "11 is out of range (0 to 10)"},
      {head + head, "provider.name: 'openai' is there already"},
      {many, "provider: at most 32 are allowed"},
      {"provider = 3\n", "f:1: provider: tables are required: [[provider]]"}};
  for (const auto& [text, wanted] : kRows) {
    const auto got = parse_text(text, "f");
    ASSERT_FALSE(got.ok()) << text;
    EXPECT_EQ(got.error().code, Code::InvalidInput);
    EXPECT_THAT(got.error().message, HasSubstr(wanted));
  }
}

TEST(Budget, AmountsAreDollars) {
  for (const char* const fine : {"", "0", "5", "0.25", "$5", "$0.25", "999999999.999999"})
    EXPECT_TRUE(parse_text("[budget]\nday_max = \"" + std::string(fine) + "\"\n", "f").ok())
        << fine;
  for (const char* const wrong :
       {"$", "$$5", "5$", "-1", "1.", ".5", "1.0000001", "1000000000", "five", "1e3"})
    EXPECT_EQ(parse_text("[budget]\nday_max = \"" + std::string(wrong) + "\"\n", "f").error().field,
              "budget.day_max")
        << wrong;
}

TEST(Budget, ANumberIsShownAsItHasToBeWritten) {
  EXPECT_THAT(parse_text("[budget]\nday_max = 5\n", "f").error().message,
              HasSubstr("f:2: budget.day_max: a string is required: \"5\""));
}

TEST(Providers, OfOpenRouterHaveModelsThatAreCalledAsItself) {
  const char* const text =
      "[[provider]]\nname = \"openrouter\"\nmodels = [\"openrouter/auto\", \"meta/llama\"]\n";
  EXPECT_TRUE(parse_text(text, "f").ok());
}

TEST(Prices, AreReadWithTheirDateAndSource) {
  const auto got = parse_prices(
      "date = \"2026-01-01\"\nsource = \"https://p\"\n[[price]]\nmodel = \"a/b\"\ninput = \"1\"\n"
      "output = \"2\"\n[[price]]\nmodel = \"a/c\"\ninput = \"3\"\noutput = \"4\"\ncache_read = "
      "\"0\"\n"
      "date = \"2026-02-02\"\n",
      "/x/prices.toml");
  ASSERT_TRUE(got.ok()) << got.error().message;
  ASSERT_EQ(got.value().size(), 2u);
  EXPECT_EQ(got.value()[0].cache_read, "1");
  EXPECT_EQ(got.value()[0].date, "2026-01-01");
  EXPECT_EQ(got.value()[1].date, "2026-02-02");
  EXPECT_EQ(got.value()[1].cache_read, "0");
  EXPECT_EQ(got.value()[1].origin, "prices.toml:7");
  EXPECT_TRUE(parse_prices("", "f").ok());
}

TEST(Prices, WhatIsWrongIsNamed) {
  const std::string head = "date = \"d\"\nsource = \"s\"\n";
  const std::pair<std::string, const char*> kRows[] = {
      {"[[price]]\nmodel = \"m\"\ninput = \"1\"\noutput = \"1\"\nsource = \"s\"\n",
       "f:1: date: is required for each price"},
      {head + "[[price]]\nmodel = \"m\"\ninput = \"1\"\n", "f:3: output: is required"},
      {head + "[[price]]\nmodel = \"m\"\ninput = 1\n", "f:5: input: a string is required: \"1\""},
      {head + "[[price]]\nmodle = \"m\"\n", "f:4: unknown key 'modle'; did you mean 'model'?"},
      {head + "prices = 1\n", "f:3: unknown key 'prices'; did you mean 'price'?"},
      {head + "price = 1\n", "f:3: price: tables are required: [[price]]"},
      {"x", "f:1: "}};
  for (const auto& [text, wanted] : kRows) {
    const auto got = parse_prices(text, "f");
    ASSERT_FALSE(got.ok()) << text;
    EXPECT_THAT(got.error().message, HasSubstr(wanted));
  }
  std::string many = head;
  for (std::size_t i = 0; i <= kPriceLinesMax; ++i)
    many += "[[price]]\nmodel=\"m\"\ninput=\"1\"\noutput=\"1\"\n";
  EXPECT_EQ(parse_prices(many, "f").error().code, Code::TooLarge);
  EXPECT_EQ(load_prices("/nowhere/prices.toml").error().code, Code::NotFound);
}

TEST(Prices, ThoseThatAreBuiltInAreWhole) {
  EXPECT_GT(builtin_prices().size(), 40u);
  for (const PriceLine& line : builtin_prices()) {
    EXPECT_THAT(line.model, HasSubstr("/"));
    EXPECT_THAT(line.source, ::testing::StartsWith("https://"));
    EXPECT_EQ(line.date.size(), 10u);
  }
}

}  // namespace
}  // namespace hearth::config
