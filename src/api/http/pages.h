#pragma once
#include "api/api.h"
#include "api/http/errors.h"

/// Answers about the daemon itself.
namespace hearth::api {

/// {"status":"ok","device_id","version","uptime_s"}; needs no token and says nothing secret.
net::Response health_page(const Parts& parts, Clock::time_point started);
/// 200, or 503 with {"status":"not ready","missing":[...]}.
net::Response ready_page(const Parts& parts);
/// Prometheus text.
net::Response metrics_page(const Parts& parts);

/// What is missing before requests are answered, a sentence each; empty if nothing is.
std::vector<std::string> all_missing(const Parts& parts);
/// Whether new work is refused because the daemon is stopping.
bool is_draining(const Parts& parts);
net::Response draining_answer(Face face);

}  // namespace hearth::api
