#pragma once
#include <boost/asio/ip/address.hpp>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"

namespace hearth::net {

using Addresses = std::vector<boost::asio::ip::address>;
using Lookup = std::function<Result<std::vector<std::string>>(const std::string& host)>;

/// The system's resolver (glibc: files and dns). Blocks, for some seconds if no server answers.
/// Errors: Unavailable (no such name, no answer).
Result<std::vector<std::string>> system_lookup(const std::string& host);

/// The addresses of a host that needs no looking up: a literal, or "localhost". Empty: it does.
Addresses literal_addresses(const std::string& host);

/// Looks names up on threads of its own, since that cannot be done without blocking. Questions for
/// one name at one time are asked once. Any thread.
class Resolver {
 public:
  static constexpr int kThreadsMax = 4;
  static constexpr std::size_t kAddressesMax = 16;  // of one name; more are not tried

  explicit Resolver(Lookup lookup) : lookup_(std::move(lookup)) {}
  /// Waits for the lookups that run; the answers of others never come.
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  using Done = std::function<void(const Result<Addresses>&)>;
  /// `done` is called once, on a thread of the resolver's: it must not block. Bounded by who asks.
  void ask(const std::string& host, Done done) EXCLUDES(mutex_);

 private:
  void work() EXCLUDES(mutex_);
  Result<Addresses> look_up(const std::string& host) const;

  const Lookup lookup_;
  Mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<std::string> waiting_ GUARDED_BY(mutex_);
  std::map<std::string, std::vector<Done>> asked_ GUARDED_BY(mutex_);
  int idle_ GUARDED_BY(mutex_) = 0;
  bool closing_ GUARDED_BY(mutex_) = false;
  std::vector<std::jthread> threads_ GUARDED_BY(mutex_);
};

}  // namespace hearth::net
