#include "model/pull.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>

#include "engine/model_facts.h"
#include "model/facts/fingerprint.h"
#include "model/passing.h"
#include "model/pull/download.h"
#include "model/pull/offer.h"
#include "model/pull/part_file.h"
#include "model/shelf.h"

namespace hearth::model {
namespace {

// Of the first question: a person who mistyped an address is waiting for the answer.
constexpr int kAskTriesMax = 3;

/// One model on its way from one of its places to the shelf.
class Pull {
 public:
  Pull(const Call& call, net::Client& client, const PullSource& source, const PullPlace& place,
       const PullTuning& tuning, const OnPullProgress& on_progress)
      : call_(call),
        client_(client),
        source_(source),
        place_(place),
        tuning_(tuning),
        on_progress_(on_progress),
        shelf_(place.folder) {}

  Result<Pulled> run() {
    if (auto there = already_there()) return *std::move(there);
    Result<Pulled> last = Error{Code::NotFound, "there is no place to get " + source_.name};
    for (const net::Url& url : source_.places) {
      last = from(url);
      if (last.ok() || !may_go_on(last.error())) break;
    }
    return last;
  }

 private:
  std::optional<Pulled> already_there() const {
    const std::string path = shelf_.path_of(source_.name);
    std::error_code problem;
    const auto size = std::filesystem::file_size(path, problem);
    if (problem) return std::nullopt;
    return Pulled{.path = path, .size_bytes = size, .was_there = true};
  }

  /// Another place may have what this one has not; but no place makes room here.
  bool may_go_on(const Error& error) const {
    return error.code != Code::TooLarge && error.code != Code::Cancelled &&
           error.code != Code::InvalidInput && Clock::now() < call_.deadline;
  }

  /// Of a file that changes while it comes, the new one is got; twice is a server in disorder.
  Result<Pulled> from(const net::Url& url) {
    bool has_changed = false;
    auto pulled = once_from(url, has_changed);
    if (!has_changed) return pulled;
    return once_from(url, has_changed);
  }

  Result<Pulled> once_from(const net::Url& url, bool& has_changed) {
    on_progress_({.stage = PullProgress::Stage::Asking, .from = url.origin()});
    TRY(const Offer offer, offer_of(url));
    const bool contradicts =
        !source_.sha256.empty() && !offer.sha256.empty() && source_.sha256 != offer.sha256;
    if (contradicts) return wrong_hash(url, offer.sha256);
    TRY(auto file, open_part(offer));
    const std::uint64_t resumed = file->done_bytes();
    const Download what{client_, source_, url, offer, *file, tuning_};
    const auto downloaded = download(call_, what, on_progress_);
    has_changed = !downloaded.ok() && downloaded.error().code == Code::Corrupt;
    if (has_changed) file->discard();
    TRY_VOID(downloaded);
    auto pulled = check(url, offer, *file);
    if (!pulled.ok() && pulled.error().code == Code::Corrupt) file->discard();
    if (pulled.ok()) pulled.value().resumed_bytes = resumed;
    return pulled;
  }

  /// Asks until the place answers, as long as trying again may help.
  Result<Offer> offer_of(const net::Url& url) {
    for (int tries = 1;; ++tries) {
      auto offer = ask_offer(call_, client_, source_, url, tuning_.timeouts);
      if (offer.ok() || !is_passing(offer.error()) || tries >= tries_max() ||
          call_.stop.stop_requested() || Clock::now() >= call_.deadline)
        return offer;
      pause_after(tries);
    }
  }

  /// With another place to ask, one is not waited for.
  int tries_max() const { return source_.places.size() > 1 ? 1 : kAskTriesMax; }

  void pause_after(int tries) const {
    pause_for(call_, std::min(tuning_.pause * (1 << (tries - 1)), kPullPauseMax));
  }

  Result<std::unique_ptr<PartFile>> open_part(const Offer& offer) {
    const std::string path = shelf_.part_of(source_.name);
    TRY_VOID(shelf_.check_room(source_.name, {.wanted_bytes = offer.size_bytes,
                                              .there_bytes = there_bytes(),
                                              .disk_bytes_max = place_.disk_bytes_max}));
    const std::uint64_t least = offer.size_bytes / PartFile::kChunksMax + 1;
    const std::uint64_t chunk =
        offer.has_ranges ? std::max(tuning_.chunk_bytes, least) : offer.size_bytes;
    return PartFile::open(path, {.size_bytes = offer.size_bytes,
                                 .identity = offer.has_ranges ? offer.identity : "",
                                 .chunk_bytes = chunk});
  }

  std::uint64_t there_bytes() const {
    const auto models = shelf_.list();
    if (!models.ok()) return 0;
    for (const ShelfModel& model : models.value())
      if (model.path == shelf_.part_of(source_.name)) return model.size_bytes;
    return 0;
  }

  Result<Pulled> check(const net::Url& url, const Offer& offer, PartFile& file) {
    on_progress_({.stage = PullProgress::Stage::Checking,
                  .from = url.origin(),
                  .done_bytes = offer.size_bytes,
                  .total_bytes = offer.size_bytes});
    const std::string part = shelf_.part_of(source_.name);
    TRY(const std::string hash, facts::hash_file(call_.stop, part));
    const std::string& expected = source_.sha256.empty() ? offer.sha256 : source_.sha256;
    if (!expected.empty() && hash != expected) return wrong_hash(url, hash);
    const auto read = engine::read_model_facts(part);
    if (!read.ok())
      return Error{Code::Corrupt, "what " + url.origin() + " sent is no model that can be used: " +
                                      read.error().message};
    TRY_VOID(file.finish(shelf_.path_of(source_.name)));
    return Pulled{.path = shelf_.path_of(source_.name),
                  .sha256 = hash,
                  .size_bytes = offer.size_bytes,
                  .was_expected = !expected.empty()};
  }

  Error wrong_hash(const net::Url& url, const std::string& hash) const {
    return {Code::Corrupt, url.origin() + " has another file than expected: its SHA-256 is " +
                               hash + (source_.sha256.empty() ? "" : ", not " + source_.sha256)};
  }

  const Call& call_;
  net::Client& client_;
  const PullSource& source_;
  const PullPlace& place_;
  const PullTuning& tuning_;
  const OnPullProgress& on_progress_;
  const Shelf shelf_;
};

}  // namespace

Result<Pulled> pull(const Call& call, net::Client& client, const PullSource& source,
                    const PullPlace& place, const PullTuning& tuning,
                    const OnPullProgress& on_progress) {
  return Pull(call, client, source, place, tuning, on_progress).run();
}

}  // namespace hearth::model
