#pragma once
#include <string>
#include <vector>

#include "cli/sessions/directory.h"

namespace hearth::cli {

/// Sessions as `hearth sessions list` shows them; safe to show. Pure, but for the time zone.
std::string sessions_table(const std::vector<SessionFacts>& sessions);

}  // namespace hearth::cli
