#pragma once
/// gRPC, in the one order that compiles: Abseil, which comes with it, has its own GUARDED_BY of the
/// same meaning, and may define it again behind ours but not before.
#include "base/mutex.h"
// clang-format off
#include <grpcpp/grpcpp.h>
// clang-format on
