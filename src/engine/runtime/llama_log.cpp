#include "engine/runtime/llama_log.h"

#include <utility>

#include "base/log.h"
#include "base/mutex.h"
#include "llama.h"
#include "log.h"

namespace hearth::engine {
namespace {

// llama.cpp has one log callback for the whole process, so this state is the process's too.
struct LastError {
  Mutex mutex;
  std::string text GUARDED_BY(mutex);
};
LastError& last_error() {
  static LastError last;
  return last;
}
thread_local bool errors_expected = false;

void forward(ggml_log_level level, const char* text, void*) {
  std::string_view line(text);
  while (line.ends_with('\n')) line.remove_suffix(1);
  if (line.empty() || level == GGML_LOG_LEVEL_CONT || level == GGML_LOG_LEVEL_DEBUG) return;
  if (level != GGML_LOG_LEVEL_ERROR || errors_expected) return log::debug("llama.cpp: {}", line);
  log::warn("llama.cpp: {}", line);
  const MutexLock lock(last_error().mutex);
  last_error().text = line;
}

}  // namespace

void forward_llama_log() {
  llama_log_set(forward, nullptr);
  common_log_pause(common_log_main());  // llama-common's own logger would print to the terminal
}

std::string take_llama_error() {
  const MutexLock lock(last_error().mutex);
  return std::exchange(last_error().text, {});
}

void expect_llama_errors(bool expected) { errors_expected = expected; }

}  // namespace hearth::engine
