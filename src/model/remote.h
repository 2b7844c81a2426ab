#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time_source.h"
#include "metrics/metrics.h"
#include "model/model.h"
#include "net/client.h"
#include "vault/secret.h"

namespace hearth::model {

/// Another machine whose models answer.
struct ProviderOptions {
  std::string name{};  // what its models' names begin with, and what errors call it
  std::string kind{};  // "anthropic", "openai", … (remote/wire.h)
  std::string url{};   // base address; empty: the kind's own
  vault::Secret key{};
  std::string key_from{};  // where it stands, for people: a variable or a file
  std::string trouble{};   // why it cannot be asked: "no key: set …"; empty: it can
  std::uint32_t context_tokens = 128'000;
  std::uint32_t answer_tokens_max = 4'096;  // where a request has no bound
  std::uint32_t requests_max = 1'024;       // at a time; above: Busy
  std::uint32_t retries_max = 2;
  Millis retry_wait_first{500};  // twice as long each time, unless the provider says how long
  Millis retry_wait_max{30'000};
  Millis first_byte_timeout{60'000};
  Millis token_timeout{60'000};
  Millis request_timeout{600'000};  // of one request with all its waits
};

/// Models of one provider, made as they are named. An answer always comes as a stream, so that a
/// client who leaves ends it; one that was too busy (408, 409, 429, 5xx, or nobody was there) is
/// asked again before the answer has begun, after as long as it says, unless another model waits
/// (chat::Request::another_waits). Any thread.
///
/// What a dialect has no word for is told in Started::loosened. Prompts are conversations; embed(),
/// tokenize() and detokenize() are refused, count_tokens() guesses, and so does a request for 0
/// tokens. No prompt, answer or key is ever logged.
class Provider {
 public:
  static constexpr std::size_t kModelsMax = 16'384;
  static constexpr std::size_t kModelNameBytesMax = 128;

  /// The client and what else is borrowed outlive it. Errors: InvalidInput (kind, url, key).
  static Result<std::unique_ptr<Provider>> open(ProviderOptions options, net::Client& client,
                                                const TimeSource& time, metrics::Registry& metrics);
  virtual ~Provider() = default;

  /// The model that the provider calls `model`; its name here is "NAME/model". Lives as long as the
  /// provider. Null: no name that a model can have, or more than kModelsMax were named.
  virtual Model* model(std::string_view model) = 0;
  virtual const std::string& name() const = 0;
  virtual const std::string& kind() const = 0;

  /// The variable in which people keep the key of a kind; empty: it needs none, or there is no such
  /// kind.
  static std::string usual_key_variable(std::string_view kind);
};

/// A guess that is high: what the prompt of a request, which is a conversation, has at most, with
/// all that is sent beside it, whatever the tokenizer, if an image counts as `image_tokens`. Pure.
std::uint64_t tokens_at_most(const chat::Request& request, std::uint64_t image_tokens);
/// What it usually is. Pure.
std::uint64_t tokens_usually(std::string_view text);
/// What a piece of an answer says, its calls too; and what so many bytes of an answer are, where
/// nobody has counted: rather too many. Pure.
std::uint64_t bytes_said(const chat::Delta& delta);
std::uint64_t tokens_said(std::uint64_t bytes);

}  // namespace hearth::model
