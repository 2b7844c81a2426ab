#pragma once
#include <string>

namespace hearth::cli {

/// What a daemon's answer holds under this name, if `object` is one and that is a text; else "". Of
/// either kind of nlohmann's JSON. Pure.
template <class Json>
std::string text_in(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->template get<std::string>() : "";
}

}  // namespace hearth::cli
