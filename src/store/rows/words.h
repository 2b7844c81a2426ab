#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace hearth::store {

/// The words of what somebody typed, each as a phrase of FTS5's, in which nothing has a meaning.
/// Whatever is typed, a search for these is well-formed; signs alone find nothing.
std::vector<std::string> phrases_of(std::string_view text);

/// A search for what holds every phrase, and for what holds any of them. Empty without phrases.
std::string all_of(const std::vector<std::string>& phrases);
std::string any_of(const std::vector<std::string>& phrases);

}  // namespace hearth::store
