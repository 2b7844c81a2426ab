#pragma once
#include <memory>
#include <thread>
#include <vector>

#include "base/bounded_queue.h"
#include "net/http.h"
#include "net/server/answer.h"

namespace hearth::net {

/// The threads that run handlers, and the bounded line in front of them.
class Workers {
 public:
  struct Job {
    Request request;
    std::shared_ptr<Answer> answer;
  };

  /// Starts `count` threads; at most `waiting_max` jobs wait.
  Workers(Handler handler, int count, std::size_t waiting_max);
  /// Drops the jobs that wait, and joins: returns when the running handlers have.
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  /// Hands one request to a worker. False when the line is full. Any thread; never blocks.
  [[nodiscard]] bool try_push(Job job) { return jobs_.try_push(std::move(job)); }

 private:
  void work(const std::stop_token& stop);
  void run(Job job);

  const Handler handler_;
  BoundedQueue<Job> jobs_;
  std::vector<std::jthread> threads_;
};

}  // namespace hearth::net
