#pragma once
#include "base/result.h"

namespace hearth::model {

/// Whether trying the same again later may help: the other side is busy, away or slow.
inline bool is_passing(const Error& error) {
  return error.code == Code::Unavailable || error.code == Code::Busy || error.code == Code::Timeout;
}

}  // namespace hearth::model
