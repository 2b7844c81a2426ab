#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "base/call.h"
#include "model/catalogue.h"
#include "model/pull.h"
#include "model/shelf.h"

namespace hearth::cli {

/// "412.0 MiB of 1.0 GiB, 11.2 MiB/s, 55 s left": where a download stands.
std::string pull_text(const model::PullProgress& progress);
/// The part that is there; nullopt while that is not known.
std::optional<double> pull_fraction(const model::PullProgress& progress);

/// Says where a download stands on standard error: as a line that is drawn again on a terminal, and
/// elsewhere, such as in a log, as a line of its own now and then.
class PullLines {
 public:
  static constexpr Millis kEvery{10'000};

  /// The line to print now; empty: none.
  std::string next(const model::PullProgress& progress, Clock::time_point now);

 private:
  std::optional<model::PullProgress::Stage> stage_{};
  Clock::time_point said_at_{};
};

/// Models of the folder and the catalogue: NAME, SIZE, MEMORY, LICENCE, WHERE.
std::string models_table(const std::vector<model::ShelfModel>& there,
                         const model::Catalogue& catalogue);

/// All that is known of a catalogue's model.
std::string entry_text(const model::CatalogueEntry& entry);

/// Under which licence a model comes; nullptr: the catalogue does not know it.
std::string licence_text(const model::CatalogueEntry* entry);

}  // namespace hearth::cli
