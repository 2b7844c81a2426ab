#include "api/responses/held_exchange.h"

#include <utility>

#include "api/http/errors.h"
#include "base/fields.h"
#include "chat/message_json.h"
#include "dialect/stream.h"

namespace hearth::api::responses {
namespace {

/// The event that SDKs raise.
std::string error_event(const Error& error) {
  return dialect::event_text(
      {"error", {{"type", "error"}, {"code", "server_error"}, {"message", error.message}}});
}

}  // namespace

HeldExchange::HeldExchange(std::shared_ptr<net::Exchange> client,
                           std::optional<std::stop_token> stop, Keeper& keeper)
    : client_(std::move(client)), stop_(std::move(stop)), keeper_(keeper) {}

void HeldExchange::hold(std::function<Result<void>()> write) { write_ = std::move(write); }

void HeldExchange::respond(net::Response response) {
  if (!write_) {
    if (client_) client_->respond(std::move(response));
    return;
  }
  keeper_.submit([client = client_, write = std::move(write_), response = std::move(response)] {
    const auto written = write();
    if (!client) return;
    client->respond(written.ok() ? response : error_response(http_error(written.error())));
  });
}

void HeldExchange::begin(int status, net::Headers headers) {
  if (client_) client_->begin(status, std::move(headers));
}

bool HeldExchange::write(std::string piece) {
  if (write_) {
    held_ += piece;
    return true;
  }
  const bool taken = !client_ || client_->write(std::move(piece));
  return taken || stop_.has_value();
}

void HeldExchange::end() {
  if (!write_) {
    if (client_) client_->end();
    return;
  }
  keeper_.submit([client = client_, write = std::move(write_), held = std::move(held_)] {
    const auto written = write();
    if (!client) return;
    client->write(written.ok() ? held : error_event(written.error()));
    client->end();
  });
}

std::stop_token HeldExchange::stop() const {
  if (stop_) return *stop_;
  return client_ ? client_->stop() : std::stop_token();
}

}  // namespace hearth::api::responses
