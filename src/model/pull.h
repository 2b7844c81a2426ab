#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/call.h"
#include "base/result.h"
#include "model/catalogue.h"
#include "net/client.h"
#include "net/url.h"

namespace hearth::model {

/// What is downloaded, and from where.
struct PullSource {
  std::string name;              // the model's, and of its file
  std::vector<net::Url> places;  // that are asked, in this order
  std::string sha256{};          // empty: what the hub says
  /// Shown to places of this origin and to nobody that they send to; a secret. Empty: none.
  std::string token{}, token_origin{};
};

/// Where files of the hub are found.
struct Hub {
  std::string address;                 // models.hub
  std::vector<std::string> mirrors{};  // models.mirrors: asked before it
  std::string token{};                 // for what only its members may have; a secret
};

/// What a person asks for: a name of the catalogue, "hf:owner/repository/file.gguf" or the URL of a
/// GGUF file. `sha256`, if not empty, is what the file must have. Errors: NotFound (no such name;
/// lists them), InvalidInput (what it should look like).
Result<PullSource> pull_source(const std::string& text, const Catalogue& catalogue, const Hub& hub,
                               const std::string& sha256 = "");

/// Where it goes to.
struct PullPlace {
  std::string folder;            // <data>/models
  std::uint64_t disk_bytes_max;  // models.disk_bytes_max: of all models in it
};

struct PullTuning {
  int ranges = 4;  // parts that come at a time
  std::uint64_t chunk_bytes = 64 * 1024 * 1024;
  Millis pause{500};  // before a second try; twice as long before each further one
  net::Timeouts timeouts{};
};
inline constexpr int kPullTriesMax = 6;         // of one part in a row without a byte
inline constexpr Millis kPullPauseMax{30'000};  // also where a server asks for longer
inline constexpr std::uint64_t kPullBytesMax = std::uint64_t{1} << 42;  // of one model

struct PullProgress {
  enum class Stage : std::uint8_t { Asking, Downloading, Checking };
  Stage stage = Stage::Asking;
  std::string from{};  // the origin that is asked
  std::uint64_t done_bytes = 0, total_bytes = 0;
  std::uint64_t bytes_per_second = 0;  // since this download began
};
/// On the calling thread, about ten times a second.
using OnPullProgress = std::function<void(const PullProgress&)>;

struct Pulled {
  std::string path;
  std::string sha256{};
  std::uint64_t size_bytes = 0;
  std::uint64_t resumed_bytes = 0;  // that were there from an earlier try
  bool was_there = false;           // nothing was downloaded
  bool was_expected = false;        // somebody said beforehand which hash it has
};

/// Downloads a model and blocks until it is checked and in its place, or was there before. What a
/// stopped or broken download has got is kept, and the next goes on with it if the file is still
/// the same. Parts come at the same time where the server can; the whole has its SHA-256 compared,
/// its header read, and is then renamed. Errors: NotFound, Denied (401, 403), Busy (429; another
/// process downloads it), Unavailable (network, 5xx, disk; after several tries), Timeout,
/// Cancelled, TooLarge (no room; says what to delete), Corrupt (wrong hash, or no model; it is
/// deleted). With several places: the last one's.
Result<Pulled> pull(const Call& call, net::Client& client, const PullSource& source,
                    const PullPlace& place, const PullTuning& tuning,
                    const OnPullProgress& on_progress);

}  // namespace hearth::model
