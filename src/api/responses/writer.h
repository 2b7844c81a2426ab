#pragma once
#include <memory>
#include <optional>
#include <stop_token>

#include "api/responses/conversation.h"
#include "api/responses/held_exchange.h"
#include "api/run/dialect_writer.h"
#include "api/run/workplace.h"
#include "store/responses.h"

namespace hearth::api::responses {

/// One response that is about to be made.
struct Making {
  dialect::responses::Header header{};  // its ask without messages
  dialect::Lost lost{};                 // of the request
  Asked asked{};
  store::ResponseEnd end{};  // all of it that is known before
  bool is_kept = true;
  std::optional<std::stop_token> stop{};  // of one that nobody waits for
};

/// Writes a response, and keeps it: `exchange` tells the end only once that is in the store.
/// Borrows the workplace.
std::unique_ptr<Writer> make_writer(Workplace& with, Making making,
                                    std::shared_ptr<HeldExchange> exchange);

}  // namespace hearth::api::responses
