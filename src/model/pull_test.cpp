// Downloading, against a server that behaves like the hub: it says what the file is, sends to
// another host for it, and is then slow, forgetful or wrong as each test needs.
#include "model/pull.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <mutex>

#include "engine/builtin_model.h"
#include "model/pull/part_file.h"
#include "model/shelf.h"
#include "net/server.h"
#include "vault/secret.h"

namespace hearth::model {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr Millis kLong{60'000};
constexpr std::uint64_t kChunk = 512 * 1024;

std::string_view ember() { return engine::builtin_model_bytes(); }
std::string ember_hash() {
  static const std::string kHash = vault::sha256_hex(ember());
  return kHash;
}

class Folder {
 public:
  Folder() : path_(fs::temp_directory_path() / ("hearth-pull-" + std::to_string(::getpid()))) {
    fs::remove_all(path_);
  }
  ~Folder() { fs::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string path() const { return path_; }
  std::string file(const std::string& name) const { return path_ / name; }

 private:
  const fs::path path_;
};

/// What the hub's other host does with a request for a range.
struct Behaviour {
  std::string content{ember()};
  std::string etag = "\"v1\"";
  std::string linked_etag{};  // X-Linked-Etag of the hub; empty: none
  bool has_ranges = true;
  bool redirects = true;
  int status = 0;  // all answers of the hub, if not 0
  /// For the n-th request (from 0) with more than one byte: how many bytes come, and no more;
  /// npos: all.
  std::function<std::size_t(int)> cut_after = [](int) { return std::string::npos; };
  std::function<int(int)> status_of = [](int) { return 0; };  // 0: the right one
};

/// Two servers: the hub, and where it sends to.
class HubDouble {
 public:
  explicit HubDouble(Behaviour behaviour) : behaviour_(std::move(behaviour)) {
    content_ = start([this](const net::Request& r, auto x) { serve_content(r, *x); });
    hub_ = start([this](const net::Request& r, auto x) { serve_hub(r, *x); });
  }

  std::string address() const { return "http://127.0.0.1:" + std::to_string(hub_->port()); }
  PullSource source(const std::string& sha256 = "") const {
    return pull_source("hf:owner/repository/ember.gguf", Catalogue::builtin(), {address()}, sha256)
        .value();
  }
  int downloads() const { return downloads_.load(); }
  std::vector<std::string> ranges() {
    const std::lock_guard lock(mutex_);
    return ranges_;
  }
  /// A request that its client has left may run still.
  void change(const std::function<void(Behaviour&)>& how) {
    const std::lock_guard lock(behaving_);
    how(behaviour_);
  }

 private:
  static std::unique_ptr<net::Server> start(net::Handler handler) {
    auto server = net::Server::start({}, std::move(handler));
    EXPECT_TRUE(server.ok());
    return std::move(server).value();
  }

  void serve_hub(const net::Request& request, net::Exchange& exchange) {
    const std::lock_guard lock(behaving_);
    if (behaviour_.status != 0) return exchange.respond({.status = behaviour_.status});
    if (request.path != "/owner/repository/resolve/main/ember.gguf")
      return exchange.respond({.status = 404});
    if (!behaviour_.redirects) return serve_content(request, exchange);
    net::Headers headers = {
        {"Location", "http://127.0.0.1:" + std::to_string(content_->port()) + "/blob?sig=hunter2"}};
    if (!behaviour_.linked_etag.empty())
      headers.emplace_back("X-Linked-Etag", "\"" + behaviour_.linked_etag + "\"");
    exchange.respond({.status = 302, .headers = std::move(headers)});
  }

  void serve_content(const net::Request& request, net::Exchange& exchange) {
    const std::lock_guard lock(behaving_);
    const auto* const range = request.header("Range");
    const auto* const if_range = request.header("If-Range");
    const bool is_probe = range && *range == "bytes=0-0";
    const bool applies =
        behaviour_.has_ranges && range && !(if_range && *if_range != behaviour_.etag);
    std::size_t first = 0, last = behaviour_.content.size() - 1;
    if (applies) {
      const auto dash = range->find('-');
      std::from_chars(range->data() + 6, range->data() + dash, first);
      std::from_chars(range->data() + dash + 1, range->data() + range->size(), last);
    }
    const int number = is_probe ? -1 : note(range ? *range : "");
    if (number >= 0 && behaviour_.status_of(number) != 0)
      return exchange.respond(
          {.status = behaviour_.status_of(number), .headers = {{"Retry-After", "0"}}});
    send(exchange, first, last, applies, number);
  }

  int note(const std::string& range) {
    const std::lock_guard lock(mutex_);
    ranges_.push_back(range);
    return downloads_.fetch_add(1);
  }

  void send(net::Exchange& exchange, std::size_t first, std::size_t last, bool is_part,
            int number) {
    const std::string& content = behaviour_.content;
    net::Headers headers = {{"Content-Type", "application/octet-stream"}};
    if (!behaviour_.etag.empty()) headers.emplace_back("ETag", behaviour_.etag);
    if (is_part)
      headers.emplace_back("Content-Range", "bytes " + std::to_string(first) + "-" +
                                                std::to_string(last) + "/" +
                                                std::to_string(content.size()));
    const std::size_t cut = number < 0 ? std::string::npos : behaviour_.cut_after(number);
    const int status = is_part ? 206 : 200;
    const std::string body = content.substr(first, last - first + 1);
    if (cut >= body.size())
      return exchange.respond({.status = status, .body = body, .headers = std::move(headers)});
    exchange.begin(status, std::move(headers));
    if (cut == 0) return;  // the connection is cut
    exchange.write(body.substr(0, cut));
    exchange.end();  // so that these bytes do arrive
  }

  std::recursive_mutex behaving_;  // held while one is answered; behaviours change themselves
  Behaviour behaviour_;
  std::mutex mutex_;
  std::vector<std::string> ranges_;
  std::atomic<int> downloads_{0};
  std::unique_ptr<net::Server> content_, hub_;
};

class Pulling : public ::testing::Test {
 protected:
  Result<Pulled> get(const PullSource& source, PullTuning tuning = {}, const Call* call = nullptr) {
    if (tuning.chunk_bytes == PullTuning{}.chunk_bytes) tuning.chunk_bytes = kChunk;
    tuning.pause = Millis(1);
    const Call patient = Call::within(kLong);
    return pull(call ? *call : patient, *client_, source, place_, tuning,
                [this](const PullProgress& progress) { seen_.push_back(progress); });
  }
  std::string content() const {
    std::ifstream in(folder_.file("ember.gguf"), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  const Folder folder_{};
  PullPlace place_{.folder = folder_.path(), .disk_bytes_max = 1u << 30};
  const std::unique_ptr<net::Client> client_ = net::Client::open({}).value();
  std::vector<PullProgress> seen_;
};

TEST_F(Pulling, PartsBecomeTheWhole) {
  HubDouble hub({.linked_etag = ember_hash()});
  const auto got = get(hub.source());
  ASSERT_TRUE(got.ok()) << got.error().message;
  EXPECT_EQ(got.value().path, folder_.file("ember.gguf"));
  EXPECT_EQ(got.value().sha256, ember_hash());
  EXPECT_TRUE(got.value().was_expected);
  EXPECT_FALSE(got.value().was_there);
  EXPECT_TRUE(content() == ember());
  EXPECT_EQ(hub.downloads(), static_cast<int>((ember().size() + kChunk - 1) / kChunk));
  EXPECT_FALSE(fs::exists(folder_.file("ember.gguf.part")));
  EXPECT_FALSE(fs::exists(folder_.file("ember.gguf.part.json")));
  ASSERT_GE(seen_.size(), 3u);
  EXPECT_EQ(seen_.front().stage, PullProgress::Stage::Asking);
  EXPECT_EQ(seen_.back().stage, PullProgress::Stage::Checking);
  const auto again = get(hub.source());
  ASSERT_TRUE(again.ok());
  EXPECT_TRUE(again.value().was_there);
}

TEST_F(Pulling, ItGoesOnWhereItWasCut) {
  HubDouble hub({.linked_etag = ember_hash(), .cut_after = [](int number) {
                   return number % 2 == 0 ? std::size_t{100'000} : std::string::npos;
                 }});
  const auto got = get(hub.source());
  ASSERT_TRUE(got.ok()) << got.error().message;
  EXPECT_TRUE(content() == ember());
  EXPECT_GT(hub.downloads(), static_cast<int>(ember().size() / kChunk));
}

TEST_F(Pulling, TheNextTryGoesOnIfTheFileIsTheSame) {
  // The first three requests give half a chunk, then the server is gone for all further ones.
  const auto dies = [](int number) { return number < 3 ? kChunk / 2 : std::size_t{0}; };
  HubDouble hub({.cut_after = dies});
  const auto broken = get(hub.source(), {.ranges = 1});
  ASSERT_FALSE(broken.ok());
  EXPECT_EQ(broken.error().code, Code::Unavailable);
  EXPECT_TRUE(fs::exists(folder_.file("ember.gguf.part.json")));
  hub.change([](Behaviour& now) { now.cut_after = [](int) { return std::string::npos; }; });
  const auto got = get(hub.source());
  ASSERT_TRUE(got.ok()) << got.error().message;
  EXPECT_GT(got.value().resumed_bytes, kChunk);
  EXPECT_TRUE(content() == ember());
}

TEST_F(Pulling, AnotherFileIsBegunAnew) {
  HubDouble hub({.cut_after = [](int number) { return number < 2 ? kChunk / 2 : std::size_t{0}; }});
  ASSERT_FALSE(get(hub.source(), {.ranges = 1}).ok());
  hub.change([](Behaviour& now) {
    now.etag = "\"v2\"";
    now.cut_after = [](int) { return std::string::npos; };
  });
  const auto got = get(hub.source());
  ASSERT_TRUE(got.ok()) << got.error().message;
  EXPECT_EQ(got.value().resumed_bytes, 0u);
  EXPECT_TRUE(content() == ember());
}

TEST_F(Pulling, OneThatChangesMeanwhileIsBegunAnew) {
  HubDouble* double_of = nullptr;
  HubDouble hub({.cut_after = [&](int number) {
    if (number == 2) double_of->change([](Behaviour& now) { now.etag = "\"v2\""; });
    return std::string::npos;
  }});
  double_of = &hub;
  const auto got = get(hub.source(), {.ranges = 1});
  ASSERT_TRUE(got.ok()) << got.error().message;
  EXPECT_TRUE(content() == ember());
  const int chunks = static_cast<int>((ember().size() + kChunk - 1) / kChunk);
  EXPECT_EQ(hub.downloads(), chunks + 4);  // three before it changed, and one that says so
}

TEST_F(Pulling, WithoutRangesItComesInOnePiece) {
  HubDouble hub({.linked_etag = ember_hash(), .has_ranges = false, .cut_after = [](int number) {
                   return number == 0 ? std::size_t{100'000} : std::string::npos;
                 }});
  const auto got = get(hub.source());
  ASSERT_TRUE(got.ok()) << got.error().message;
  EXPECT_TRUE(content() == ember());
  EXPECT_EQ(hub.downloads(), 2);
}

TEST_F(Pulling, WhatTheServerRefusesIsSaid) {
  struct Case {
    int status;
    Code code;
    const char* words;
  };
  const Case kCases[] = {
      {401, Code::Denied, "wants a login"},         {403, Code::Denied, "licence"},
      {404, Code::NotFound, "has no such file"},    {429, Code::Busy, "asked too often (429)"},
      {500, Code::Unavailable, "in trouble (500)"}, {418, Code::Unavailable, "strangely (418)"}};
  for (const Case& c : kCases) {
    HubDouble hub({.status = c.status});
    const auto got = get(hub.source());
    ASSERT_FALSE(got.ok());
    EXPECT_EQ(got.error().code, c.code);
    EXPECT_THAT(got.error().message, HasSubstr(c.words));
    EXPECT_THAT(got.error().message, HasSubstr(hub.address()));
    EXPECT_THAT(got.error().message, ::testing::Not(HasSubstr("hunter2")));
  }
}

TEST_F(Pulling, TroubleThatPassesIsWaitedFor) {
  HubDouble hub({.linked_etag = ember_hash(), .status_of = [](int number) {
                   return number == 1 ? 503 : number == 2 ? 429 : 0;
                 }});
  const auto got = get(hub.source());
  ASSERT_TRUE(got.ok()) << got.error().message;
}

TEST_F(Pulling, ButNotForEver) {
  HubDouble hub({.status_of = [](int) { return 503; }});
  const auto got = get(hub.source(), {.ranges = 1});
  EXPECT_EQ(got.error().code, Code::Unavailable);
  EXPECT_EQ(hub.downloads(), kPullTriesMax);
}

TEST_F(Pulling, AWrongHashLeavesNothing) {
  const std::string wrong(64, 'a');
  HubDouble hub({});
  const auto given = get(hub.source(wrong));
  ASSERT_FALSE(given.ok());
  EXPECT_EQ(given.error().code, Code::Corrupt);
  EXPECT_THAT(given.error().message, HasSubstr(ember_hash()));
  EXPECT_THAT(given.error().message, HasSubstr(wrong));
  HubDouble liar({.linked_etag = wrong});
  EXPECT_EQ(get(liar.source()).error().code, Code::Corrupt);
  EXPECT_EQ(get(liar.source(ember_hash())).error().code, Code::Corrupt);
  EXPECT_TRUE(fs::is_empty(folder_.path()));
}

TEST_F(Pulling, WhatIsNoModelLeavesNothing) {
  HubDouble hub({.content = "<html>Please log in</html>"});
  const auto got = get(hub.source());
  ASSERT_FALSE(got.ok());
  EXPECT_EQ(got.error().code, Code::Corrupt);
  EXPECT_THAT(got.error().message, HasSubstr("no model that can be used"));
  EXPECT_TRUE(fs::is_empty(folder_.path()));
}

TEST_F(Pulling, TheBoundOfAllModelsIsAtItsEdge) {
  HubDouble hub({});
  fs::create_directories(folder_.path());
  std::ofstream(folder_.file("other.gguf")) << std::string(1'000, 'x');
  place_.disk_bytes_max = ember().size() + 999;
  const auto refused = get(hub.source());
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Code::TooLarge);
  EXPECT_EQ(refused.error().field, "models.disk_bytes_max");
  EXPECT_THAT(refused.error().message, HasSubstr("models.disk_bytes_max"));
  EXPECT_THAT(refused.error().message, HasSubstr("other"));
  place_.disk_bytes_max = ember().size() + 1'000;
  const auto got = get(hub.source());
  EXPECT_TRUE(got.ok()) << got.error().message;
}

TEST_F(Pulling, MirrorsAreAskedInTurn) {
  HubDouble empty({.status = 404});
  HubDouble mirror({.redirects = false});
  const auto source =
      pull_source("hf:owner/repository/ember.gguf", Catalogue::builtin(),
                  {empty.address(), {"http://127.0.0.1:1", mirror.address() + "/"}});
  ASSERT_TRUE(source.ok());
  EXPECT_EQ(source.value().places.size(), 3u);
  const auto got = get(source.value());
  ASSERT_TRUE(got.ok()) << got.error().message;
  EXPECT_FALSE(got.value().was_expected);
}

TEST_F(Pulling, AStoppedOneKeepsWhatItHas) {
  std::stop_source stop;
  HubDouble hub({.cut_after = [&](int number) {
    if (number == 2) stop.request_stop();
    return kChunk / 4;
  }});
  const auto call = Call::within(kLong, stop.get_token());
  const auto got = get(hub.source(), {.ranges = 1}, &call);
  ASSERT_FALSE(got.ok());
  EXPECT_EQ(got.error().code, Code::Cancelled);
  EXPECT_TRUE(fs::exists(folder_.file("ember.gguf.part.json")));
}

TEST(PullSourceOf, Table) {
  const Hub hub{.address = "https://hub.example/", .mirrors = {"http://mirror.example/x"}};
  struct Case {
    const char *text, *name, *first;  // name null: refused
  };
  const Case kCases[] = {
      {"QWEN2.5-1.5B", "qwen2.5-1.5b",
       "/x/Qwen/Qwen2.5-1.5B-Instruct-GGUF/resolve/main/qwen2.5-1.5b-instruct-q4_k_m.gguf"},
      {"hf:a/b/c.gguf", "c", "/x/a/b/resolve/main/c.gguf"},
      {"hf:a/b/d/c.gguf", "c", "/x/a/b/resolve/main/d/c.gguf"},
      {"https://h.example/m/x.gguf?token=1", "x", "/m/x.gguf?token=1"},
      {"hf:a/c.gguf", nullptr, nullptr},
      {"hf:a/../c.gguf", nullptr, nullptr},
      {"hf:a/b/c.bin", nullptr, nullptr},
      {"https://h.example/", nullptr, nullptr},
      {"https://h.example/.gguf", nullptr, nullptr},
      {"ftp://h.example/c.gguf", nullptr, nullptr},
      {"no-such", nullptr, nullptr},
      {"", nullptr, nullptr},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.text);
    const auto got = pull_source(c.text, Catalogue::builtin(), hub);
    ASSERT_EQ(got.ok(), c.name != nullptr) << (got.ok() ? "" : got.error().message);
    if (!got.ok()) continue;
    EXPECT_EQ(got.value().name, c.name);
    EXPECT_EQ(got.value().places.front().target, c.first);
  }
  EXPECT_FALSE(pull_source("hf:a/b/c.gguf", Catalogue::builtin(), hub, "abc").ok());
  EXPECT_EQ(
      pull_source("hf:a/b/c.gguf", Catalogue::builtin(), hub, std::string(64, 'A')).value().sha256,
      std::string(64, 'a'));
}

TEST(Parts, AStateThatIsDamagedOrOfSomethingElseCountsForNothing) {
  const Folder folder;
  fs::create_directories(folder.path());
  const std::string path = folder.file("x.part");
  const PartFile::Content content{.size_bytes = 10, .identity = "id", .chunk_bytes = 4};
  const auto done_after = [&](const std::string& state) {
    std::ofstream(path) << "0123456789";
    std::ofstream(path + ".json") << state;
    return PartFile::open(path, content).value()->done_bytes();
  };
  const std::string good =
      R"({"size_bytes":10,"chunk_bytes":4,"identity":"id","done_bytes":[4,3,2]})";
  EXPECT_EQ(done_after(good), 9u);
  for (const char* bad :
       {"", "[]", "{", R"({"size_bytes":10})",
        R"({"size_bytes":11,"chunk_bytes":4,"identity":"id","done_bytes":[4,3,2]})",
        R"({"size_bytes":10,"chunk_bytes":5,"identity":"id","done_bytes":[4,3,2]})",
        R"({"size_bytes":10,"chunk_bytes":4,"identity":"no","done_bytes":[4,3,2]})",
        R"({"size_bytes":10,"chunk_bytes":4,"identity":"id","done_bytes":[4,3]})",
        R"({"size_bytes":10,"chunk_bytes":4,"identity":"id","done_bytes":[4,3,3]})",
        R"({"size_bytes":10,"chunk_bytes":4,"identity":"id","done_bytes":[4,-1,2]})"})
    EXPECT_EQ(done_after(bad), 0u) << bad;
}

TEST(Parts, OneProcessAtATime) {
  const Folder folder;
  fs::create_directories(folder.path());
  const PartFile::Content content{.size_bytes = 10, .identity = "id", .chunk_bytes = 4};
  const auto one = PartFile::open(folder.file("x.part"), content);
  ASSERT_TRUE(one.ok());
  EXPECT_EQ(PartFile::open(folder.file("x.part"), content).error().code, Code::Busy);
  auto chunk = one.value()->take();
  ASSERT_TRUE(chunk);
  EXPECT_TRUE(one.value()->write(*chunk, "0123").ok());
  EXPECT_EQ(one.value()->write(*chunk, "4").error().code, Code::Corrupt);
}

TEST(ShelfOf, ListsFindsAndRemoves) {
  const Folder folder;
  const Shelf shelf(folder.path());
  EXPECT_TRUE(shelf.list().value().empty());
  fs::create_directories(folder.path());
  for (const char* name : {"b.gguf", "a.gguf", "c.gguf.part", "c.gguf.part.json", "notes.txt"})
    std::ofstream(folder.file(name)) << "x";
  const auto models = shelf.list().value();
  ASSERT_EQ(models.size(), 3u);
  EXPECT_EQ(models[0].name, "a");
  EXPECT_TRUE(models[2].is_partial);
  EXPECT_TRUE(shelf.find("B").ok());
  EXPECT_THAT(shelf.find("z").error().message, HasSubstr("a, b, c"));
  EXPECT_TRUE(shelf.remove("c").ok());
  EXPECT_FALSE(fs::exists(folder.file("c.gguf.part.json")));
  EXPECT_EQ(shelf.remove("../a").error().code, Code::NotFound);
  const Shelf::Room huge{
      .wanted_bytes = 1ull << 41, .there_bytes = 0, .disk_bytes_max = 1ull << 42};
  EXPECT_THAT(shelf.check_room("x", huge).error().message, HasSubstr("free"));
}

}  // namespace
}  // namespace hearth::model
