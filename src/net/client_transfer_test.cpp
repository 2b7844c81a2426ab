// Transfers: time limits, pieces, back pressure, cancelling, many at a time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <future>
#include <mutex>

#include "net/client.h"
#include "net/server.h"
#include "net/testing/parked.h"
#include "net/testing/script_server.h"

namespace hearth::net {
namespace {

using ::testing::HasSubstr;
using testing::kLong;
using ::testing::Not;
using testing::ok_answer;
using testing::Peer;
using testing::ScriptServer;

std::unique_ptr<Client> make_client(ClientOptions options = {}) {
  auto client = Client::open(std::move(options));
  EXPECT_TRUE(client.ok());
  return std::move(client).value();
}

/// Keeps all that comes; the test waits for what it needs.
class Kept final : public TransferSink {
 public:
  void on_head(const Response& head) override {
    head_ = head;
    has_head_.set_value();
  }
  Flow on_piece(std::string_view piece) override {
    EXPECT_LE(piece.size(), 64u * 1024);
    body_ += piece;
    if (on_piece_) on_piece_();
    return pauses_ ? Flow::Pause : Flow::More;
  }
  void on_end(const Result<void>& outcome) override { ended_.set_value(outcome); }

  void wait_for_head() { has_head_.get_future().wait(); }
  Result<void> wait_for_end() {
    auto ended = ended_.get_future();
    if (ended.wait_for(kLong) == std::future_status::ready) return ended.get();
    return Error{Code::Internal, "it did not end"};
  }

  std::atomic<bool> pauses_{false};
  std::function<void()> on_piece_{};
  Response head_{};
  std::string body_{};  // net thread, until the end

 private:
  std::promise<void> has_head_;
  std::promise<Result<void>> ended_;
};

TEST(Timeouts, NameWhatDidNotCome) {
  struct Case {
    const char* answer;
    Timeouts timeouts;
    const char* words;
  };
  const Case kCases[] = {
      {"", {.first_byte = Millis(30)}, "no byte came for 30 ms"},
      {"HTTP/1.1 200 OK\r\n", {.between_bytes = Millis(40)}, "no byte came for 40 ms"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
       {.between_bytes = Millis(50)},
       "no byte came for 50 ms"},
  };
  for (const Case& c : kCases) {
    ScriptServer server([&](Peer& peer) {
      peer.read_head();
      peer.send(c.answer);
      peer.wait_for_end();
    });
    const auto client = make_client();
    const auto got =
        client->fetch(Call::within(kLong), {.port = server.port(), .timeouts = c.timeouts});
    ASSERT_FALSE(got.ok());
    EXPECT_EQ(got.error().code, Code::Timeout);
    EXPECT_THAT(got.error().message, HasSubstr(c.words));
    const auto whole = client->fetch(Call::within(Millis(30)), {.port = server.port()});
    EXPECT_EQ(whole.error().code, Code::Timeout);
  }
}

TEST(Errors, HoldNoSecrets) {
  ScriptServer server([](Peer& peer) {
    peer.read_head();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhun");
  });
  const auto client = make_client();
  const ClientRequest kCases[] = {
      {.port = server.port(), .target = "/?k=hunter2", .headers = {{"X-Key", "hunter2"}}},
      {.port = 1, .target = "/?k=hunter2"},
      {.port = server.port(), .headers = {{"X-Key", "hunter2\r\n"}}},
      {.port = server.port(), .target = "/ hunter2"},
      {.host = "hunter2@x", .port = 1},
      {.host = "a", .port = 0, .target = "/hunter2"},
  };
  for (const auto& request : kCases) {
    const auto got = client->fetch(Call::within(kLong), request);
    ASSERT_FALSE(got.ok());
    EXPECT_THAT(got.error().message, Not(HasSubstr("hunter2")));
  }
}

TEST(RequestTo, ReadsTheUser) {
  const auto request = request_to(parse_url("http://Aladdin:open%20sesame@h/x").value());
  ASSERT_EQ(request.headers.size(), 1u);
  EXPECT_EQ(request.headers[0].second, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
  EXPECT_EQ(request.port, 80);
}

TEST(FetchStream, HeadComesFirstAndMayStopIt) {
  ScriptServer server([](Peer& peer) {
    peer.read_head();
    peer.send("HTTP/1.1 206 Partial\r\nContent-Length: 1000\r\nETag: \"x\"\r\n\r\nhello");
    peer.wait_for_end();
  });
  const auto client = make_client();
  std::vector<std::string> order;
  const auto got = client->fetch_stream(
      Call::within(kLong), {.port = server.port()},
      [&](std::string_view) {
        order.push_back("piece");
        return false;
      },
      [&](const Response& head) {
        order.push_back(testing::header_of(head, "etag"));
        return true;
      });
  ASSERT_TRUE(got.ok()) << got.error().message;
  EXPECT_EQ(got.value().status, 206);
  EXPECT_THAT(order, ::testing::ElementsAre("\"x\"", "piece"));
  const auto none = client->fetch_stream(
      Call::within(kLong), {.port = server.port()},
      [](std::string_view) {
        ADD_FAILURE();
        return true;
      },
      [](const Response&) { return false; });
  EXPECT_EQ(none.value().status, 206);
}

TEST(Transfers, BodyBoundIsAtItsEdge) {
  for (const bool chunked : {false, true}) {
    const std::string chunks =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    ScriptServer server([&](Peer& peer) {
      while (!peer.read_head().empty()) peer.send(chunked ? chunks : ok_answer("hello"));
    });
    const auto client = make_client();
    for (const std::size_t most : {5, 4}) {
      const auto kept = std::make_shared<Kept>();
      const auto transfer =
          client->start(Call::within(kLong), {.port = server.port(), .body_bytes_max = most}, kept);
      const auto end = kept->wait_for_end();
      EXPECT_EQ(end.ok(), most == 5);
      if (!end.ok()) {
        EXPECT_EQ(end.error().code, Code::TooLarge);
      }
    }
  }
}

TEST(Transfers, APausedOneReadsNoMore) {
  std::atomic<bool> sent_all{false};
  const std::string large(64'000'000, 'x');  // more than any socket holds
  ScriptServer server([&](Peer& peer) {
    for (auto head = peer.read_head(); !head.empty(); head = peer.read_head()) {
      const bool is_small = head.starts_with("GET /small");
      const bool sent = peer.send(ok_answer(is_small ? "small" : large));
      if (!is_small) sent_all = sent;
    }
  });
  const auto client = make_client();
  const auto kept = std::make_shared<Kept>();
  kept->pauses_ = true;
  std::promise<void> first;
  std::once_flag once;
  kept->on_piece_ = [&] { std::call_once(once, [&] { first.set_value(); }); };
  const auto transfer = client->start(Call::within(kLong), {.port = server.port()}, kept);
  ASSERT_TRUE(transfer.ok());
  first.get_future().wait();
  // By the time that others have had their answers, this one would have had more.
  for (int i = 0; i < 20; ++i)
    EXPECT_TRUE(
        client->fetch(Call::within(kLong), {.port = server.port(), .target = "/small"}).ok());
  EXPECT_FALSE(sent_all.load());
  kept->pauses_ = false;
  transfer.value()->resume();
  EXPECT_TRUE(kept->wait_for_end().ok());
  EXPECT_EQ(kept->body_.size(), large.size());
}

TEST(Transfers, AreCancelledWhereverTheyAre) {
  ScriptServer server([](Peer& peer) {
    peer.read_head();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    peer.wait_for_end();
  });
  const auto client = make_client();
  const auto by_hand = std::make_shared<Kept>();
  const auto transfer = client->start(Call::within(kLong), {.port = server.port()}, by_hand);
  by_hand->wait_for_head();
  transfer.value()->cancel();
  EXPECT_EQ(by_hand->wait_for_end().error().code, Code::Cancelled);
  transfer.value()->cancel();  // nothing more happens

  std::stop_source stop;
  const auto by_token = std::make_shared<Kept>();
  const auto call = Call::within(kLong, stop.get_token());
  const auto other = client->start(call, {.port = server.port()}, by_token);
  by_token->wait_for_head();
  stop.request_stop();
  EXPECT_EQ(by_token->wait_for_end().error().code, Code::Cancelled);
}

TEST(Transfers, ADestroyedOneIsSilent) {
  std::promise<void> left;
  ScriptServer server([&](Peer& peer) {
    peer.read_head();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    peer.wait_for_end();
    left.set_value();
  });
  const auto client = make_client();
  const auto kept = std::make_shared<Kept>();
  {
    const auto transfer = client->start(Call::within(kLong), {.port = server.port()}, kept);
    kept->wait_for_head();
  }
  EXPECT_EQ(left.get_future().wait_for(kLong), std::future_status::ready);
  EXPECT_EQ(kept.use_count(), 1);
}

TEST(Transfers, OneMayBeDestroyedInsideItsSink) {
  ScriptServer server([](Peer& peer) {
    peer.read_head();
    peer.send(ok_answer("hello"));
    peer.wait_for_end();
  });
  const auto client = make_client();
  const auto kept = std::make_shared<Kept>();
  std::promise<std::unique_ptr<Transfer>> handle;
  std::promise<void> destroyed;
  kept->on_piece_ = [&] {
    handle.get_future().get().reset();
    destroyed.set_value();
  };
  auto transfer = client->start(Call::within(kLong), {.port = server.port()}, kept);
  handle.set_value(std::move(transfer).value());
  EXPECT_EQ(destroyed.get_future().wait_for(kLong), std::future_status::ready);
}

TEST(Transfers, EndWithTheirClient) {
  ScriptServer server([](Peer& peer) { peer.wait_for_end(); });
  auto client = make_client();
  const auto kept = std::make_shared<Kept>();
  const auto transfer = client->start(Call::within(kLong), {.port = server.port()}, kept);
  client.reset();
  EXPECT_EQ(kept->wait_for_end().error().code, Code::Cancelled);
  transfer.value()->cancel();
  transfer.value()->resume();
}

TEST(Transfers, AtMostSoManyAtATime) {
  ScriptServer server([](Peer& peer) { peer.wait_for_end(); });
  const auto client = make_client({.limits = {.transfers_max = 2}});
  const ClientRequest request{.port = server.port()};
  const auto kept = std::make_shared<Kept>();
  const auto one = client->start(Call::within(kLong), request, kept);
  const auto two = client->start(Call::within(kLong), request, std::make_shared<Kept>());
  ASSERT_TRUE(two.ok());
  EXPECT_EQ(client->fetch(Call::within(kLong), request).error().code, Code::Busy);
  one.value()->cancel();
  EXPECT_EQ(kept->wait_for_end().error().code, Code::Cancelled);
  const auto three = client->start(Call::within(kLong), request, std::make_shared<Kept>());
  EXPECT_TRUE(three.ok());
}

/// How many threads this process has.
int thread_count() {
  int count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/task"))
    ++count;
  return count;
}

TEST(Transfers, HundredsAtATimeOnOneThread) {
  constexpr std::size_t kStreams = 500;
  constexpr int kPieces = 20;
  // The server begins all answers before it goes on with any, and refuses none for its workers'
  // sake.
  Mutex mutex;
  std::vector<std::shared_ptr<Exchange>> open;
  std::promise<void> all_open;
  const auto server = Server::start({.pending_max = kStreams},
                                    [&](const Request&, std::shared_ptr<Exchange> exchange) {
                                      exchange->begin(200, {});
                                      const MutexLock lock(mutex);
                                      open.push_back(std::move(exchange));
                                      if (open.size() == kStreams) all_open.set_value();
                                    });
  ASSERT_TRUE(server.ok());
  const int threads = thread_count();
  const auto client = make_client();
  std::vector<std::shared_ptr<Kept>> sinks;
  std::vector<std::unique_ptr<Transfer>> transfers;
  for (std::size_t i = 0; i < kStreams; ++i) {
    sinks.push_back(std::make_shared<Kept>());
    auto transfer = client->start(Call::within(kLong),
                                  {.method = "POST", .port = server.value()->port(), .body = "{}"},
                                  sinks.back());
    ASSERT_TRUE(transfer.ok());
    transfers.push_back(std::move(transfer).value());
  }
  ASSERT_EQ(all_open.get_future().wait_for(kLong), std::future_status::ready);
  EXPECT_LE(thread_count() - threads, 1);
  for (int i = 0; i < kPieces; ++i)
    for (const auto& exchange : open) EXPECT_TRUE(exchange->write("data: token\n\n"));
  for (const auto& exchange : open) exchange->end();
  for (const auto& sink : sinks) {
    EXPECT_TRUE(sink->wait_for_end().ok());
    EXPECT_EQ(sink->body_.size(), kPieces * std::string_view("data: token\n\n").size());
  }
}

}  // namespace
}  // namespace hearth::net
