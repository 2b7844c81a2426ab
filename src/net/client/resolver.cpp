#include "net/client/resolver.h"

#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>
#include <sys/socket.h>

#include <array>
#include <memory>
#include <utility>

namespace hearth::net {
namespace {

namespace ip = boost::asio::ip;

// glibc's own are 5 s and 2; whoever ends the program waits for the lookups that run.
constexpr int kDnsTimeoutSeconds = 2;
constexpr int kDnsTries = 2;

/// Once on each thread: the resolver's settings belong to it.
void bound_dns() {
  if (res_init() != 0) return;  // getaddrinfo() reports what is wrong with them
  _res.retrans = kDnsTimeoutSeconds;
  _res.retry = kDnsTries;
}

std::string address_text(const addrinfo& info) {
  std::array<char, NI_MAXHOST> text{};
  const int status = getnameinfo(info.ai_addr, info.ai_addrlen, text.data(), text.size(), nullptr,
                                 0, NI_NUMERICHOST);
  return status == 0 ? text.data() : "";
}

}  // namespace

Result<std::vector<std::string>> system_lookup(const std::string& host) {
  thread_local const bool kBounded = (bound_dns(), true);
  static_cast<void>(kBounded);
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = AI_ADDRCONFIG;
  addrinfo* found = nullptr;
  const int status = getaddrinfo(host.c_str(), nullptr, &wanted, &found);
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> all(found, freeaddrinfo);
  if (status != 0)
    return Error{Code::Unavailable,
                 std::string("its address is not known: ") + gai_strerror(status)};
  std::vector<std::string> texts;
  for (const addrinfo* one = found; one; one = one->ai_next) texts.push_back(address_text(*one));
  return texts;
}

Addresses literal_addresses(const std::string& host) {
  if (host == "localhost" || host.ends_with(".localhost"))
    return {ip::address_v4::loopback(), ip::address_v6::loopback()};
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  boost::system::error_code problem;
  const auto address =
      ip::make_address(bracketed ? host.substr(1, host.size() - 2) : host, problem);
  return problem ? Addresses() : Addresses{address};
}

Resolver::~Resolver() {
  std::vector<std::jthread> threads;
  {
    const MutexLock lock(mutex_);
    closing_ = true;
    waiting_.clear();
    changed_.notify_all();
    threads.swap(threads_);
  }
}

void Resolver::ask(const std::string& host, Done done) {
  const MutexLock lock(mutex_);
  auto& waiters = asked_[host];
  waiters.push_back(std::move(done));
  if (waiters.size() > 1) return;
  waiting_.push_back(host);
  if (idle_ < static_cast<int>(waiting_.size()) && threads_.size() < kThreadsMax)
    threads_.emplace_back([this] { work(); });
  changed_.notify_one();
}

void Resolver::work() {
  for (;;) {
    std::string host;
    {
      const MutexLock lock(mutex_);
      ++idle_;
      while (waiting_.empty() && !closing_) changed_.wait(mutex_);
      --idle_;
      if (closing_) return;
      host = std::move(waiting_.front());
      waiting_.pop_front();
    }
    const auto answer = look_up(host);
    std::vector<Done> waiters;
    {
      const MutexLock lock(mutex_);
      waiters = std::move(asked_.extract(host).mapped());
    }
    for (const auto& done : waiters) done(answer);
  }
}

Result<Addresses> Resolver::look_up(const std::string& host) const {
  TRY(const auto texts, lookup_(host));
  Addresses addresses;
  for (const auto& text : texts) {
    boost::system::error_code problem;
    const auto address = ip::make_address(text, problem);
    if (!problem && addresses.size() < kAddressesMax) addresses.push_back(address);
  }
  if (!addresses.empty()) return addresses;
  return Error{Code::Unavailable, "its address is not known: the name has none"};
}

}  // namespace hearth::net
