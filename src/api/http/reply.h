#pragma once
#include <memory>
#include <string>

#include "base/time_source.h"
#include "metrics/metrics.h"
#include "net/http.h"

namespace hearth::api {

/// What every answer to one request carries and is counted as.
struct ReplyFacts {
  const char* path = "other";  // route pattern, for metrics
  const char* method = "other";
  net::Headers headers{};  // added to the answer: x-request-id, CORS
};

/// Wraps the server's Exchange: adds those headers, and counts the answer in
/// hearth_http_requests_total{path,method,status} and hearth_http_request_seconds{path} when its
/// status is sent and when it is over. `registry` and `time` must outlive it.
std::shared_ptr<net::Exchange> make_reply(std::shared_ptr<net::Exchange> exchange, ReplyFacts facts,
                                          metrics::Registry& registry, const TimeSource& time);

}  // namespace hearth::api
