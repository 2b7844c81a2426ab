#include <algorithm>

#include "model/pull.h"
#include "model/pull/names.h"

namespace hearth::model {
namespace {

constexpr std::string_view kHubPrefix = "hf:";
constexpr std::string_view kSuffix = ".gguf";

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return text;
}

/// The name of a file without its folders and ".gguf". Errors: InvalidInput.
Result<std::string> name_of_file(std::string_view path) {
  const std::string_view file = path.substr(path.rfind('/') + 1);
  const bool is_gguf = file.ends_with(kSuffix);
  const std::string name(file.substr(0, is_gguf ? file.size() - kSuffix.size() : 0));
  if (is_gguf && is_model_name(name)) return name;
  return Error{Code::InvalidInput,
               "a file NAME.gguf is required, whose name has letters, digits "
               "and . - _ + only"};
}

/// "owner/repository/folder/file" on the hub and its mirrors.
Result<std::vector<net::Url>> places_of(const Hub& hub, std::string_view path) {
  const auto repository_end = path.find('/', path.find('/') + 1);
  const std::string target = "/" + std::string(path.substr(0, repository_end)) + "/resolve/main" +
                             std::string(path.substr(repository_end));
  std::vector<net::Url> places;
  for (const std::string& mirror : hub.mirrors) {
    TRY(auto url, net::parse_url(mirror.substr(0, mirror.find_last_not_of('/') + 1) + target));
    places.push_back(std::move(url));
  }
  TRY(auto url,
      net::parse_url(hub.address.substr(0, hub.address.find_last_not_of('/') + 1) + target));
  places.push_back(std::move(url));
  return places;
}

Result<PullSource> source_on_hub(std::string_view path, const Hub& hub) {
  if (!is_hub_path(path))
    return Error{Code::InvalidInput, "hf:owner/repository/file.gguf is required"};
  PullSource source;
  TRY(source.name, name_of_file(path));
  TRY(source.places, places_of(hub, path));
  return source;
}

Result<PullSource> source_at_url(const std::string& text) {
  TRY(auto url, net::parse_url(text));
  PullSource source;
  TRY(source.name, name_of_file(url.target.substr(0, url.target.find('?'))));
  source.places.push_back(std::move(url));
  return source;
}

Result<PullSource> source_in_catalogue(const std::string& name, const Catalogue& catalogue,
                                       const Hub& hub) {
  if (const auto* const entry = catalogue.find(name)) {
    TRY(auto source, source_on_hub(entry->repository + "/" + entry->file, hub));
    source.name = entry->name;
    source.sha256 = entry->sha256;
    return source;
  }
  std::string known;
  for (const auto& entry : catalogue.entries()) known += (known.empty() ? "" : ", ") + entry.name;
  return Error{Code::NotFound, "no model '" + name + "' is in the catalogue: " + known +
                                   "; a URL or hf:owner/repository/file.gguf may be given too"};
}

}  // namespace

Result<PullSource> pull_source(const std::string& text, const Catalogue& catalogue, const Hub& hub,
                               const std::string& sha256) {
  const std::string expected = lower(sha256);
  if (!expected.empty() && !is_sha256(expected))
    return Error{Code::InvalidInput, "a SHA-256 has 64 hex digits", "sha256"};
  const bool is_url = text.find("://") != std::string::npos;
  TRY(auto source, text.starts_with(kHubPrefix)
                       ? source_on_hub(std::string_view(text).substr(kHubPrefix.size()), hub)
                   : is_url ? source_at_url(text)
                            : source_in_catalogue(text, catalogue, hub));
  if (!expected.empty()) source.sha256 = expected;
  if (hub.token.empty()) return source;
  TRY(const auto address, net::parse_url(hub.address));
  source.token = hub.token;
  source.token_origin = address.origin();
  return source;
}

}  // namespace hearth::model
