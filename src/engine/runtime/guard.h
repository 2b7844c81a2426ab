#pragma once
#include <exception>
#include <string>
#include <type_traits>

#include "base/result.h"

namespace hearth::engine {

/// Runs `work`, which calls llama.cpp's C++ code, and turns an exception of its into an Error. The
/// one catch of this room. `what` begins the sentence. Errors: `code`.
template <class Work>
auto guarded(Code code, const char* what, Work&& work) -> Result<std::invoke_result_t<Work>> {
  try {
    if constexpr (std::is_void_v<std::invoke_result_t<Work>>) {
      work();
      return ok();
    } else {
      return work();
    }
  } catch (const std::exception& problem) {
    return Error{code, std::string(what) + ": " + problem.what()};
  }
}

}  // namespace hearth::engine
