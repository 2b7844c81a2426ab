#include "process/frame_channel.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>
#include <thread>

namespace hearth::process {
namespace {

Call forever(std::stop_token stop = {}) { return {Clock::time_point::max(), std::move(stop)}; }
Call soon(std::stop_token stop = {}) { return Call::within(Millis(20'000), std::move(stop)); }
Call expired() { return {Clock::time_point::min(), {}}; }

struct Pair {
  Pair() : sockets(make_socket_pair().value()), left(sockets.ours), right(sockets.theirs) {}
  SocketPair sockets;
  FrameChannel left, right;
};

/// The other end as a bare descriptor, to send what FrameChannel never would.
struct RawPair {
  RawPair() : sockets(make_socket_pair().value()), raw(sockets.ours), channel(sockets.theirs) {}
  ~RawPair() { close_raw(); }
  void write(std::string_view bytes) const {
    ASSERT_EQ(::send(raw, bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  void close_raw() {
    if (raw >= 0) ::close(raw);
    raw = -1;
  }
  SocketPair sockets;
  int raw;
  FrameChannel channel;
};

std::string header(std::uint32_t size, char version = 1, char type = 2) {
  std::string bytes;
  for (int shift = 0; shift < 32; shift += 8) bytes.push_back(static_cast<char>(size >> shift));
  return bytes + version + type;
}

TEST(FrameChannel, CarriesFramesInOrderAndBothWays) {
  Pair pair;
  ASSERT_TRUE(pair.left.send(forever(), {1, 7, "one"}).ok());
  ASSERT_TRUE(pair.left.send(forever(), {2, 255, ""}).ok());
  ASSERT_TRUE(pair.right.send(forever(), {0, 0, std::string("\0x", 2)}).ok());
  const auto first = pair.right.receive(forever()).value();
  EXPECT_EQ(first.version, 1);
  EXPECT_EQ(first.type, 7);
  EXPECT_EQ(first.payload, "one");
  const auto second = pair.right.receive(forever()).value();
  EXPECT_EQ(second.version, 2);
  EXPECT_EQ(second.type, 255);
  EXPECT_EQ(second.payload, "");
  EXPECT_EQ(pair.left.receive(forever()).value().payload, std::string("\0x", 2));
}

TEST(FrameChannel, WritesTheDocumentedBytes) {
  RawPair pair;
  ASSERT_TRUE(pair.channel.send(soon(), {3, 9, "abc"}).ok());
  char bytes[16];
  ASSERT_EQ(::recv(pair.raw, bytes, sizeof bytes, 0), 9);
  EXPECT_EQ(std::string_view(bytes, 9), std::string_view("\x03\0\0\0\x03\x09"
                                                         "abc",
                                                         9));
}

TEST(FrameChannel, TakesPayloadsUpToTheBoundAndNotOneByteMore) {
  Pair pair;
  const auto too_large = pair.left.send(soon(), {1, 1, std::string(kFrameBytesMax + 1, 'x')});
  EXPECT_EQ(too_large.error().code, Code::TooLarge);
  EXPECT_THAT(too_large.error().message, testing::HasSubstr(std::to_string(kFrameBytesMax)));

  // The channel still works, and a payload of exactly the bound passes, in many partial writes.
  std::string most(kFrameBytesMax, 'x');
  most.back() = 'z';
  std::jthread sender([&] { EXPECT_TRUE(pair.left.send(soon(), {1, 1, most}).ok()); });
  const auto got = pair.right.receive(soon());
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(got.value().payload, most);
}

TEST(FrameChannel, RefusesAnAnnouncedLengthAboveTheBoundBeforeItsBytesCome) {
  RawPair pair;
  pair.write(header(static_cast<std::uint32_t>(kFrameBytesMax) + 1));
  EXPECT_EQ(pair.channel.receive(soon()).error().code, Code::Corrupt);
}

TEST(FrameChannel, PutsTogetherFramesThatArriveByteByByte) {
  RawPair pair;
  const std::string bytes = header(3) + "abc" + header(1, 4, 5) + "d";
  for (const char byte : bytes) {
    const auto early = pair.channel.receive(expired());
    if (early.ok()) {
      EXPECT_EQ(early.value().payload, "abc");
    } else {
      EXPECT_EQ(early.error().code, Code::Timeout);  // and nothing is lost
    }
    pair.write(std::string_view(&byte, 1));
  }
  EXPECT_EQ(pair.channel.receive(soon()).value().payload, "d");
}

TEST(FrameChannel, TellsACleanEndFromOneInsideAFrame) {
  for (const std::string& bytes :
       {std::string(), header(4), header(4) + "abc", std::string("\x01")}) {
    SCOPED_TRACE(bytes.size());
    RawPair pair;
    if (!bytes.empty()) pair.write(bytes);
    pair.close_raw();
    const auto got = pair.channel.receive(soon());
    EXPECT_EQ(got.error().code, bytes.empty() ? Code::Unavailable : Code::Corrupt);
  }
}

TEST(FrameChannel, HandsOutWhatCameBeforeTheEnd) {
  RawPair pair;
  pair.write(header(1) + "x");
  pair.close_raw();
  EXPECT_EQ(pair.channel.receive(soon()).value().payload, "x");
  EXPECT_EQ(pair.channel.receive(soon()).error().code, Code::Unavailable);
}

TEST(FrameChannel, SendingToAClosedEndIsAnErrorAndNoSignal) {
  RawPair pair;
  pair.close_raw();
  EXPECT_EQ(pair.channel.send(soon(), {1, 1, "x"}).error().code, Code::Unavailable);
}

TEST(FrameChannel, ReceiveStopsAtItsDeadline) {
  Pair pair;
  EXPECT_EQ(pair.left.receive(expired()).error().code, Code::Timeout);
  EXPECT_EQ(pair.left.receive(Call::within(Millis(5))).error().code, Code::Timeout);
}

TEST(FrameChannel, ReceiveWakesWhenStopped) {
  Pair pair;
  std::stop_source stop;
  auto got =
      std::async(std::launch::async, [&] { return pair.left.receive(forever(stop.get_token())); });
  stop.request_stop();
  EXPECT_EQ(got.get().error().code, Code::Cancelled);
  ASSERT_TRUE(pair.right.send(soon(), {1, 1, "later"}).ok());
  EXPECT_EQ(pair.left.receive(soon()).value().payload, "later");
}

TEST(FrameChannel, ShutDownWakesReceiverAndSender) {
  Pair pair;
  auto got = std::async(std::launch::async, [&] { return pair.left.receive(forever()); });
  auto sent = std::async(std::launch::async, [&] {
    return pair.right.send(forever(), {1, 1, std::string(kFrameBytesMax, 'x')});
  });
  pair.right.shut_down();
  EXPECT_EQ(sent.get().error().code, Code::Unavailable);
  pair.left.shut_down();
  EXPECT_FALSE(got.get().ok());
  EXPECT_EQ(pair.left.receive(soon()).error().code, Code::Unavailable);
  EXPECT_EQ(pair.left.send(soon(), {}).error().code, Code::Unavailable);
}

TEST(FrameChannel, ASendThatGivesUpInsideAFrameEndsTheChannel) {
  Pair pair;
  const auto sent =
      pair.left.send(Call::within(Millis(5)), {1, 1, std::string(kFrameBytesMax, 'x')});
  EXPECT_EQ(sent.error().code, Code::Timeout);
  EXPECT_EQ(pair.left.send(soon(), {1, 1, "x"}).error().code, Code::Unavailable);
}

TEST(FrameChannel, ASendThatGivesUpBeforeItsFirstByteLeavesTheChannelWhole) {
  RawPair pair;
  // Fill the socket to the brim with whole frames, so that the next send cannot write at all.
  const Frame filler{1, 1, "x"};
  int sent = 0;
  while (pair.channel.send(expired(), filler).ok()) ++sent;
  ASSERT_GT(sent, 0);
  std::stop_source stop;
  stop.request_stop();
  // The last refused filler may have been cut; only a refusal without a byte keeps the channel.
  const auto cancelled = pair.channel.send(forever(stop.get_token()), filler);
  ASSERT_FALSE(cancelled.ok());
  if (cancelled.error().code == Code::Unavailable) GTEST_SKIP() << "the filler did not fit evenly";
  EXPECT_EQ(cancelled.error().code, Code::Cancelled);
  char drained[4096];
  while (::recv(pair.raw, drained, sizeof drained, MSG_DONTWAIT) > 0) {
  }
  EXPECT_TRUE(pair.channel.send(soon(), filler).ok());
}

TEST(FrameChannel, FramesOfSeveralSendersNeverMix) {
  Pair pair;
  constexpr int kSenders = 3, kFrames = 40;
  std::vector<std::jthread> senders;
  for (int sender = 0; sender < kSenders; ++sender) {
    senders.emplace_back([&pair, sender] {
      const std::string payload(100'000, static_cast<char>('a' + sender));
      for (int i = 0; i < kFrames; ++i) {
        EXPECT_TRUE(
            pair.left.send(forever(), {1, static_cast<std::uint8_t>(sender), payload}).ok());
      }
    });
  }
  int counts[kSenders] = {};
  for (int i = 0; i < kSenders * kFrames; ++i) {
    const auto frame = pair.right.receive(soon());
    ASSERT_TRUE(frame.ok()) << frame.error().message;
    ++counts[frame.value().type];
    EXPECT_EQ(frame.value().payload.find_first_not_of(static_cast<char>('a' + frame.value().type)),
              std::string::npos);
  }
  EXPECT_THAT(counts, testing::Each(kFrames));
}

TEST(FrameChannel, ClosesItsDescriptor) {
  const auto sockets = make_socket_pair().value();
  { FrameChannel channel(sockets.ours); }
  EXPECT_EQ(::fcntl(sockets.ours, F_GETFD), -1);
  ::close(sockets.theirs);
}

TEST(SocketPair, IsCloseOnExec) {
  const auto sockets = make_socket_pair().value();
  EXPECT_EQ(::fcntl(sockets.ours, F_GETFD), FD_CLOEXEC);
  EXPECT_EQ(::fcntl(sockets.theirs, F_GETFD), FD_CLOEXEC);
  ::close(sockets.ours);
  ::close(sockets.theirs);
}

}  // namespace
}  // namespace hearth::process
