#pragma once
#include <optional>
#include <string_view>

namespace hearth::model::router {

/// What somebody may be in.
enum class Crisis : std::uint8_t { SelfHarm, Violence, Abuse };
const char* crisis_name(Crisis crisis);

/// Whether a text sounds as if somebody were in danger. By phrases of whole words in English,
/// German, French, Spanish, Italian and Portuguese, in the words of those who speak of themselves,
/// so that "kill the process" and a novel's plot are not taken for it. It misses much, and no more
/// may be promised of it. Pure.
std::optional<Crisis> find_crisis(std::string_view text);

}  // namespace hearth::model::router
