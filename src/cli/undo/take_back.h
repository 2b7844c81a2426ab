#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/call.h"
#include "base/result.h"
#include "cli/terminal/style.h"
#include "config/config.h"

/// What tools changed, taken back by a person. It works on the files themselves, so that it needs
/// no daemon, and beside one.
namespace hearth::cli {

inline constexpr Millis kUndoMax{60'000};

struct TakeBack {
  std::optional<std::uint64_t> number{};  // of the change; absent: the last
  bool force = false;                     // also if the file has changed since
};
/// Shows what it would do to the person who confirms it, then does it. Gives what to tell them; "n"
/// changes nothing. Errors: NotFound (nothing to undo), Denied (the file changed since), those of
/// tools::Undo.
Result<std::string> take_back(const Call& call, const config::Config& config,
                              const TakeBack& wanted, const Style& style,
                              const std::function<bool(const std::string& plan)>& confirm);

/// The changes that can be taken back, the latest first, a line each; empty if there are none.
/// Errors: those of tools::Undo.
Result<std::string> changes_table(const config::Config& config);

/// "y" or "yes", in any case.
bool is_yes(const std::string& typed);

}  // namespace hearth::cli
