#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "api/run/keeper.h"
#include "base/result.h"
#include "net/http.h"

namespace hearth::api::responses {

/// A client who is told the end of an answer only once that is on disk, so that whoever has it may
/// follow it. One thread at a time.
class HeldExchange final : public net::Exchange {
 public:
  /// `client`: null if nobody waits. `stop`: for an answer that goes on without its client; absent:
  /// that ends with it. `keeper` outlives this.
  HeldExchange(std::shared_ptr<net::Exchange> client, std::optional<std::stop_token> stop,
               Keeper& keeper);

  /// What comes from now on waits until the answer is over and `write` was done, on the keeper's
  /// thread. Where `write` fails the client is told so in its place.
  void hold(std::function<Result<void>()> write);

  void respond(net::Response response) override;
  void begin(int status, net::Headers headers) override;
  bool write(std::string piece) override;
  void end() override;
  std::stop_token stop() const override;

 private:
  const std::shared_ptr<net::Exchange> client_;
  const std::optional<std::stop_token> stop_;
  Keeper& keeper_;
  std::function<Result<void>()> write_{};
  std::string held_{};
};

}  // namespace hearth::api::responses
