#pragma once

namespace hearth::engine {

/// The whole life of an engine process (`hearth engine`): reads frames from `socket_fd`, answers
/// until the socket closes or an Unload arrives. Takes ownership of the descriptor. Returns the
/// exit status: 0 after Unload or a closed socket, 1 after a protocol error.
int run_engine(int socket_fd);

}  // namespace hearth::engine
