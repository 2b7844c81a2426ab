#pragma once
#include <string>

#include "base/call.h"
#include "base/result.h"
#include "model/pull.h"
#include "model/pull/offer.h"
#include "model/pull/part_file.h"

namespace hearth::model {

/// What is downloaded from one place.
struct Download {
  net::Client& client;
  const PullSource& source;
  const net::Url& url;
  const Offer& offer;
  PartFile& file;
  const PullTuning& tuning;
};

/// Fills the file, several chunks at a time where the server can, and saves its state while it goes
/// and at the end, however that comes. Blocks. Errors: as pull(); Corrupt when the server has
/// another content now.
Result<void> download(const Call& call, const Download& what, const OnPullProgress& on_progress);

/// Waits so long, unless the call ends before.
void pause_for(const Call& call, Millis span);

}  // namespace hearth::model
