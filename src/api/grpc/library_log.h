#pragma once

namespace hearth::api {

/// What gRPC and Protocol Buffers have to say goes to the daemon's log at level debug, errors only:
/// they are about what callers sent, and would fill it. Neither may quote a message's content. For
/// the whole process; may be called again.
void keep_libraries_quiet();

}  // namespace hearth::api
