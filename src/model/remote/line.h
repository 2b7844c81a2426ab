#pragma once
#include <atomic>
#include <memory>

#include "model/remote.h"
#include "model/remote/alarm.h"
#include "model/remote/wire.h"

namespace hearth::model::remote {

/// What all questions to one provider share; may outlive the provider with the last of them.
struct Line {
  Line(ProviderOptions given, std::unique_ptr<Wire> how, net::Url address, net::Client& over,
       const TimeSource& clock, metrics::Registry& metrics, std::shared_ptr<Alarm::Bell> bell);

  /// "anthropic: …", without the key
  Error named(Error error) const;
  /// A provider that repeats the key in what it says does not make us show it. A shorter one than
  /// kSecretBytesMin ("none") is a word, and no secret.
  std::string without_key(std::string text) const;
  static constexpr std::size_t kSecretBytesMin = 8;

  const ProviderOptions options;
  const std::unique_ptr<Wire> wire;
  const net::Url base;
  net::Client& client;
  const TimeSource& time;
  const std::shared_ptr<Alarm::Bell> later;
  std::atomic<std::uint32_t> running{0};

  metrics::Counter &answered, &failed, &cancelled, &retried;
  metrics::Histogram& first_word_s;
};

}  // namespace hearth::model::remote
