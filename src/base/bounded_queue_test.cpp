#include "base/bounded_queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

namespace hearth {
namespace {

Call soon() { return Call::within(Millis(10'000)); }
Call at_once() { return Call::within(Millis(0)); }

TEST(BoundedQueue, KeepsOrder) {
  BoundedQueue<int> queue(3);
  for (const int item : {1, 2, 3}) ASSERT_TRUE(queue.try_push(item));
  for (const int item : {1, 2, 3}) EXPECT_EQ(queue.try_pop(), item);
  EXPECT_EQ(queue.try_pop(), std::nullopt);
}

TEST(BoundedQueue, RefusesAboveItsCapacity) {
  BoundedQueue<int> queue(2);
  EXPECT_TRUE(queue.try_push(1));
  EXPECT_TRUE(queue.try_push(2));
  EXPECT_FALSE(queue.try_push(3));
  EXPECT_EQ(queue.size(), 2u);
  EXPECT_EQ(queue.try_pop(), 1);
  EXPECT_TRUE(queue.try_push(3));
}

TEST(BoundedQueue, TakesWhatCannotBeCopied) {
  BoundedQueue<std::unique_ptr<int>> queue(1);
  ASSERT_TRUE(queue.try_push(std::make_unique<int>(5)));
  auto item = queue.pop(soon());
  ASSERT_TRUE(item.ok());
  ASSERT_TRUE(item.value().has_value());
  EXPECT_EQ(**item.value(), 5);
}

TEST(BoundedQueue, PushTimesOutWhenFull) {
  BoundedQueue<int> queue(1);
  ASSERT_TRUE(queue.push(soon(), 1).ok());
  EXPECT_EQ(queue.push(at_once(), 2).error().code, Code::Timeout);
  EXPECT_EQ(queue.size(), 1u);
}

TEST(BoundedQueue, PopTimesOutWhenEmpty) {
  BoundedQueue<int> queue(1);
  EXPECT_EQ(queue.pop(at_once()).error().code, Code::Timeout);
}

TEST(BoundedQueue, AStopEndsBothWaits) {
  BoundedQueue<int> full(1), empty(1);
  ASSERT_TRUE(full.try_push(1));
  std::stop_source stop;
  Code pushed = Code::Internal, popped = Code::Internal;
  {
    std::jthread pusher([&] {
      pushed = full.push(Call::within(Millis(60'000), stop.get_token()), 2).error().code;
    });
    std::jthread popper(
        [&] { popped = empty.pop(Call::within(Millis(60'000), stop.get_token())).error().code; });
    stop.request_stop();
  }
  EXPECT_EQ(pushed, Code::Cancelled);
  EXPECT_EQ(popped, Code::Cancelled);
}

TEST(BoundedQueue, APushWaitsForRoom) {
  BoundedQueue<int> queue(1);
  ASSERT_TRUE(queue.try_push(1));
  bool pushed = false;
  {
    std::jthread pusher([&] { pushed = queue.push(soon(), 2).ok(); });
    EXPECT_EQ(queue.pop(soon()).value(), 1);
    EXPECT_EQ(queue.pop(soon()).value(), 2);
  }
  EXPECT_TRUE(pushed);
}

TEST(BoundedQueue, CloseLetsReadersDrain) {
  BoundedQueue<int> queue(2);
  ASSERT_TRUE(queue.try_push(1));
  queue.close();
  EXPECT_FALSE(queue.try_push(2));
  EXPECT_EQ(queue.push(soon(), 2).error().code, Code::Unavailable);
  EXPECT_FALSE(queue.drained());
  EXPECT_EQ(queue.pop(soon()).value(), 1);
  EXPECT_TRUE(queue.drained());
  EXPECT_EQ(queue.pop(soon()).value(), std::nullopt);
}

TEST(BoundedQueue, CloseWakesAWaitingReader) {
  BoundedQueue<int> queue(1);
  bool ended = false;
  {
    std::jthread reader([&] {
      auto item = queue.pop(Call::within(Millis(60'000)));
      ended = item.ok() && !item.value();
    });
    queue.close();
  }
  EXPECT_TRUE(ended);
}

TEST(BoundedQueue, RingsOnEachPushAndOnClose) {
  BoundedQueue<int> queue(1);
  int rings = 0;
  queue.on_ready([&] { ++rings; });
  EXPECT_TRUE(queue.try_push(1));
  EXPECT_EQ(rings, 1);
  EXPECT_FALSE(queue.try_push(2));  // refused: nothing came
  EXPECT_EQ(rings, 1);
  queue.close();
  EXPECT_EQ(rings, 2);
  queue.on_ready(nullptr);
  queue.close();
  EXPECT_EQ(rings, 2);
}

TEST(BoundedQueue, LosesAndInventsNothingBetweenThreads) {
  static constexpr int kItems = 2'000, kThreads = 4;
  BoundedQueue<int> queue(8);
  std::atomic<long> sum = 0, count = 0;
  {
    std::vector<std::jthread> readers;
    for (int i = 0; i < kThreads; ++i) {
      readers.emplace_back([&] {
        while (true) {
          auto item = queue.pop(soon());
          if (!item.ok() || !item.value()) return;
          sum += *item.value();
          ++count;
        }
      });
    }
    {
      std::vector<std::jthread> writers;
      for (int i = 0; i < kThreads; ++i) {
        writers.emplace_back([&] {
          for (int item = 1; item <= kItems; ++item) EXPECT_TRUE(queue.push(soon(), item).ok());
        });
      }
    }
    queue.close();
  }
  EXPECT_EQ(count, kThreads * kItems);
  EXPECT_EQ(sum, static_cast<long>(kThreads) * kItems * (kItems + 1) / 2);
}

}  // namespace
}  // namespace hearth
