#include "api/run/writer.h"

namespace hearth::api {

net::Headers event_stream_headers() {
  return {{"Content-Type", "text/event-stream; charset=utf-8"},
          {"Cache-Control", "no-cache"},
          {"X-Accel-Buffering", "no"}};  // nginx would hold the events back
}

}  // namespace hearth::api
