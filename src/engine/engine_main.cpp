#include "engine/engine_main.h"

#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <memory>

#include "engine/runtime/engine.h"
#include "engine/runtime/llama_log.h"
#include "llama.h"

namespace hearth::engine {
namespace {

void set_signals() {
  std::signal(
      SIGINT,
      SIG_IGN);  // Ctrl-C reaches the whole terminal group; the daemon decides what it means
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGTERM, [](int) { _exit(0); });  // nothing is kept here that would need saving
}

}  // namespace

int run_engine(int socket_fd) {
  set_signals();
  forward_llama_log();
  setenv("GGML_NO_BACKTRACE", "1", 1);  // on a breach ggml would start a debugger before it aborts
  llama_backend_init();
  Engine engine(std::make_unique<process::FrameChannel>(socket_fd));
  return engine.run();
}

}  // namespace hearth::engine
