#pragma once
#include <string>

namespace hearth::engine {

/// Sends what llama.cpp logs to our logger, for the whole process: its errors as warnings, the
/// rest, which only a developer wants, at debug.
void forward_llama_log();

/// The last error that llama.cpp logged since the last call, for the sentence that a user sees;
/// empty if none.
std::string take_llama_error();

/// What this thread's llama.cpp logs from now on is, or is no more, the expected noise of work that
/// was stopped on purpose: it goes to debug.
void expect_llama_errors(bool expected);

}  // namespace hearth::engine
